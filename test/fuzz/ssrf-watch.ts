/**
 * Sees every connection that this process tries to make. One to a public address is recorded and stopped: nothing leaves the machine.
 * One to any other is recorded and let go on, so that the canary it was meant for sees it too. What is public is told by the IANA
 * registries and Node's BlockList, not by the code under test.
 */
import { readFileSync } from 'node:fs';
import { BlockList, isIP, Socket } from 'node:net';
import { join } from 'node:path';
import { type Receiver, startRawReceiver } from '#test/adapters/http/receivers.ts';

export interface Watch {
  /** Addresses that are not public and that a socket was about to connect to. */
  readonly inward: string[];
  /** The same for public ones; nothing was sent there. */
  readonly outward: string[];
  /** Sockets that left the choice of the address to a name lookup of their own. */
  unpinned: number;
  stop(): void;
}

const REGISTRY = join(import.meta.dirname, '..', 'core', 'webhooks', 'fixtures', 'iana-special-purpose.json');

interface ConnectOptions {
  readonly host?: string;
  readonly path?: string | null;
  readonly lookup?: (
    host: string,
    options: { all: true },
    done: (error: Error | null, found: { address: string }[]) => void,
  ) => void;
}

/** Asked more than once, as the platform may: an answer that changes is caught here. */
const LOOKUPS = 3;

export function startWatch(): Watch {
  const isPublic = publicByRegistry();
  const original = Socket.prototype.connect;
  const watch: Watch = {
    inward: [],
    outward: [],
    unpinned: 0,
    stop: () => {
      Socket.prototype.connect = original;
    },
  };

  function connect(this: Socket, ...args: unknown[]): Socket {
    const first = args[0];
    const options = (Array.isArray(first) ? first[0] : first) as ConnectOptions;
    const go = () => original.apply(this, args as never);
    const host = options.host ?? 'localhost';
    if (isIP(host) !== 0) return judge(this, [host], go);
    if (options.lookup === undefined) {
      watch.unpinned++;
      return go();
    }
    void lookUp(options.lookup, host).then(addresses => judge(this, addresses, go));
    return this;
  }

  function judge(socket: Socket, addresses: readonly string[], go: () => Socket): Socket {
    const inward = addresses.filter(address => !isPublic(address));
    watch.inward.push(...inward);
    if (inward.length > 0) return go();
    watch.outward.push(...addresses);
    const blocked = Object.assign(new Error('stopped by the harness'), { code: 'ENETUNREACH' });
    setImmediate(() => socket.destroy(blocked));
    return socket;
  }

  Socket.prototype.connect = connect as never;
  return watch;
}

async function lookUp(lookup: NonNullable<ConnectOptions['lookup']>, host: string): Promise<string[]> {
  const found = new Set<string>();
  for (let n = 0; n < LOOKUPS; n++) {
    const addresses = await new Promise<{ address: string }[]>(done =>
      lookup(host, { all: true }, (_error, list) => done(list ?? [])),
    );
    for (const { address } of addresses) found.add(address);
  }
  return [...found];
}

function publicByRegistry(): (address: string) => boolean {
  // Two lists: in one, the block of mapped addresses would hold every IPv4 address.
  const special = { ipv4: new BlockList(), ipv6: new BlockList() };
  const add = (block: string) => {
    const [base = '', bits = ''] = block.split('/');
    const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
    special[family].addSubnet(base, Number(bits), family);
  };
  const { rows } = JSON.parse(readFileSync(REGISTRY, 'utf8')) as {
    rows: { block: string; globallyReachable: string }[];
  };
  // Also what the registries call globally reachable: anycast relays and address blocks that carry other addresses.
  for (const { block } of rows) add(block);
  for (const block of ['224.0.0.0/4', 'ff00::/8', '168.63.129.16/32']) add(block);
  const handedOut = new BlockList();
  handedOut.addSubnet('2000::', 3, 'ipv6');
  return address =>
    isIP(address) === 4
      ? !special.ipv4.check(address, 'ipv4')
      : handedOut.check(address, 'ipv6') && !special.ipv6.check(address, 'ipv6');
}

/** Listeners where attacks lead on this machine; a port that may not be bound here is left out and named. */
export async function startCanaries(): Promise<{ receivers: Receiver[]; missing: string[] }> {
  const receivers: Receiver[] = [];
  const missing: string[] = [];
  for (const host of ['127.0.0.1', '127.0.0.2', '127.255.255.254', '::1'])
    for (const port of [443, 80])
      await startRawReceiver(socket => socket.end(), { host, port }).then(
        receiver => receivers.push(receiver),
        () => missing.push(`${host}:${port}`),
      );
  return { receivers, missing };
}

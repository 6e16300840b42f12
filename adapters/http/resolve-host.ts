import { lookup, Resolver } from 'node:dns/promises';

/** One address that a name has. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name; none when it has none or nobody answers. */
export type ResolveHost = (host: string, options: { readonly named: boolean }) => Promise<readonly ResolvedAddress[]>;

/** One server may be silent: another is asked in time for a send to happen still. */
const DNS_TIMEOUT_MS = 1_500;
const DNS_TRIES = 2;

/**
 * Asks DNS itself: no search domains, which could turn a public name into an internal one, and no thread of the pool that the files
 * need too, so a dead name server holds up nothing else. Names of the operator's list go the system's way (hosts file, search domains).
 * `servers`: "address:port", else the system's.
 */
export function createResolveHost(options: { readonly servers?: readonly string[] } = {}): ResolveHost {
  return async (host, { named }) => {
    if (named) return (await lookup(host, { all: true }).catch(() => [])).flatMap(found => asFound(found));
    const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
    if (options.servers !== undefined) resolver.setServers(options.servers);
    const [ipv4, ipv6] = await Promise.all([
      resolver.resolve4(host).catch(() => []),
      resolver.resolve6(host).catch(() => []),
    ]);
    return [
      ...ipv4.map(address => ({ address, family: 4 as const })),
      ...ipv6.map(address => ({ address, family: 6 as const })),
    ];
  };
}

function asFound({ address, family }: { address: string; family: number }): ResolvedAddress[] {
  return family === 4 || family === 6 ? [{ address, family }] : [];
}

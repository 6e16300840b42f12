import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { NameAnswers } from './ssrf-corpus.ts';

/** A name server on loopback that answers each question for a name differently, with a time to live of nothing. */
export interface HostileDns {
  /** "address:port". */
  readonly server: string;
  /** Questions so far for a name and type. */
  asked(name: string, type: 'A' | 'AAAA'): number;
  /** Forgets the questions: the next is the first again. */
  reset(): void;
  close(): Promise<void>;
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;

export async function startHostileDns(names: ReadonlyMap<string, NameAnswers>): Promise<HostileDns> {
  const asked = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    const kind = type === TYPES.A ? 'A' : type === TYPES.AAAA ? 'AAAA' : undefined;
    const known = names.get(name);
    const turns = kind === undefined ? undefined : known?.[kind];
    const key = `${name} ${kind}`;
    const turn = asked.get(key) ?? 0;
    asked.set(key, turn + 1);
    const addresses = turns?.[Math.min(turn, turns.length - 1)] ?? [];
    const alias = known?.cname;
    const owner = alias === undefined ? Buffer.from([0xc0, 12]) : encodeName(alias);
    const records = [
      ...(alias === undefined ? [] : [record(Buffer.from([0xc0, 12]), TYPES.CNAME, encodeName(alias))]),
      ...addresses.map(address => record(owner, type, encodeAddress(address))),
    ];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), from.port, from.address);
  });
  await new Promise<void>(done => socket.bind(0, '127.0.0.1', done));
  return {
    server: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    asked: (name, type) => asked.get(`${name} ${type}`) ?? 0,
    reset: () => asked.clear(),
    close: () => new Promise(done => socket.close(() => done())),
  };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length !== 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(0, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

/** By the platform's own reading of the text, not by the code under test. */
function encodeAddress(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

/** A loopback server of byte ranges that can be told to misbehave, and what it was asked. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with an answer; undefined: nothing. */
export type Fault = 'cut' | 'stall' | 'short' | 'flip' | '503' | '403' | 'whole';

export interface RangeServer {
  readonly url: string;
  /** "GET key start-end" and "HEAD key", in order. */
  readonly asked: string[];
  /** Bytes of bodies that were sent. */
  sent(): number;
  close(): Promise<void>;
}

/** `objects` by key; `fault` is asked for each GET, with how often that range's start was asked for before. */
export async function startRangeServer(
  objects: ReadonlyMap<string, Uint8Array>,
  fault: (key: string, start: number, again: number) => Fault | undefined = () => undefined,
): Promise<RangeServer> {
  const asked: string[] = [];
  const times = new Map<string, number>();
  let sent = 0;
  const server = createServer((request, response) => {
    const key = decodeURIComponent((request.url ?? '').slice(1));
    const body = objects.get(key);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    asked.push(`${request.method} ${key}${from === undefined ? '' : ` ${from}-${to}`}`);
    if (body === undefined) return void response.writeHead(404).end();
    if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': body.length }).end();
    const start = Number(from ?? 0);
    const part = body.subarray(start, Math.min(Number(to ?? body.length - 1), body.length - 1) + 1);
    const again = times.get(`${key} ${start}`) ?? 0;
    times.set(`${key} ${start}`, again + 1);
    sent += part.length;
    answer(response, { body, part, start }, fault(key, start, again));
  });
  server.listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sent: () => sent,
    close: () => {
      server.closeAllConnections();
      return new Promise(done => server.close(() => done()));
    },
  };
}

function answer(
  response: ServerResponse,
  { body, part, start }: { body: Uint8Array; part: Uint8Array; start: number },
  fault: Fault | undefined,
): void {
  if (fault === '503' || fault === '403') return void response.writeHead(Number(fault)).end();
  if (fault === 'whole') return void response.writeHead(200, { 'content-length': body.length }).end(body);
  const range = `bytes ${start}-${start + part.length - 1}/${body.length}`;
  const half = part.subarray(0, Math.max(1, part.length >> 1));
  if (fault === 'short') return void response.writeHead(206, { 'content-length': half.length }).end(half);
  response.writeHead(206, { 'content-length': part.length, 'content-range': range });
  if (fault === 'flip') {
    const flipped = Uint8Array.from(part);
    flipped[flipped.length >> 1]! ^= 1;
    response.end(flipped);
  } else if (fault === 'cut' || fault === 'stall') response.write(half, () => fault === 'cut' && response.destroy());
  else response.end(part);
}

import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createHttpServer } from '#local/http-server.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { startApi } from '#test/functions/api-server.ts';

/** A quarter of what the server takes in all. */
const SHARE = 1_024;

test('one address of the network has a quarter of the connections, and the others have the rest', async () => {
  const api = await startApi({ work: false });
  onTestFinished(() => api.close());
  const told: unknown[] = [];
  const server = createHttpServer({ ...api.embedded.deps, log: (...line) => void told.push(line) }, noStaticFiles);
  expect(server.maxConnections).toBe(4 * SHARE);
  // Tests have no network: a connection as the server sees it, from where we say.
  const connectFrom = (remoteAddress: string) => {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
    onTestFinished(() => void socket.destroy());
    server.emit('connection', socket);
    return socket;
  };
  const held = Array.from({ length: SHARE }, () => connectFrom('192.0.2.1'));
  expect(held.filter(({ destroyed }) => destroyed)).toEqual([]);
  expect(connectFrom('192.0.2.1').destroyed).toBe(true);
  expect(connectFrom('::ffff:192.0.2.1').destroyed).toBe(true);
  expect(told).toEqual([['warn', 'an address has too many connections', { address: '192.0.2.1', most: SHARE }]]);
  expect(connectFrom('192.0.2.2').destroyed).toBe(false);
  const closed = once(held[0]!.destroy(), 'close');
  await closed;
  expect(connectFrom('192.0.2.1').destroyed).toBe(false);
  expect(connectFrom('192.0.2.1').destroyed).toBe(true);
  // One machine has all addresses of an IPv6 network of 64 bits.
  for (let n = 0; n < SHARE; n++) connectFrom(`2001:db8::${n.toString(16)}`);
  expect(connectFrom('2001:db8::ffff').destroyed).toBe(true);
  // Programs of this machine share one address.
  const own = Array.from({ length: SHARE + 1 }, () => connectFrom('127.0.0.1'));
  expect(own.filter(({ destroyed }) => destroyed)).toEqual([]);
});

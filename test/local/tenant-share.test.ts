import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { MAX_IN_PROGRESS } from '#local/admission.ts';
import type { BodyPool } from '#local/http-event.ts';
import { createTenantShare } from '#local/tenant-share.ts';
import type { CardServer } from '#test/functions/card-server.ts';
import { callAs, doAs, OPERATOR, startKeyedServer } from '#test/functions/two-tenants.ts';

let server: CardServer;
const keys: Record<string, string> = {};
const sockets: Socket[] = [];
beforeAll(async () => {
  server = await startKeyedServer();
  for (const tenant of ['acme', 'bolt']) {
    await doAs(server, OPERATOR, 'POST', '/v1/tenants', { id: tenant });
    keys[tenant] = (await doAs(server, OPERATOR, 'POST', '/v1/keys', { tenant, name: 'k' })).key;
  }
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

/** Sends a head on a connection that stays open; how its answer begins, should one come. */
function open(head: string): Promise<string> {
  const { port } = new URL(server.url);
  return new Promise(resolve => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(head));
    sockets.push(socket);
    socket.once('data', chunk => resolve(chunk.toString('latin1')));
    socket.on('error', () => undefined);
  });
}

const headOf = (start: string, key: string, rest = '') =>
  `${start} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n${rest}\r\n`;
const half = 'content-type: application/json\r\ncontent-length: 9\r\n';

test('a tenant that opens all the event streams it can leaves some to the others', async () => {
  const ids = { acme: '', bolt: '' };
  for (const tenant of ['acme', 'bolt'] as const)
    ids[tenant] = (await doAs(server, keys[tenant] ?? '', 'POST', '/v1/videos', { prompt: 'a ring' })).id;
  const stream = (tenant: 'acme' | 'bolt') => open(headOf(`GET /v1/videos/${ids[tenant]}/events`, keys[tenant] ?? ''));
  const isOpen = (answer: string) => answer.startsWith('HTTP/1.1 200');
  // A few at once, and again where the server was behind.
  for (let opened = 0, tries = 0; opened < limits.sseMaxTenantStreams && tries < 50; tries++)
    opened += (await Promise.all(Array.from({ length: 32 }, () => stream('acme')))).filter(isOpen).length;
  const told = `This tenant has ${limits.sseMaxTenantStreams} event streams open`;
  await expect.poll(() => stream('acme'), { timeout: 10_000 }).toContain(told);
  await expect.poll(() => stream('bolt'), { timeout: 10_000 }).toContain('HTTP/1.1 200');
  for (const socket of sockets.splice(0)) socket.destroy();
});

test('a tenant that ends none of its requests does not keep the others out', async () => {
  const told = async () => (await callAs(server, keys.acme ?? '', 'GET', '/v1/videos')).text;
  // Until it is full: of those that come while the server is behind some are refused for that.
  for (let sent = 0; sent < 4 * MAX_IN_PROGRESS; sent += 64) {
    for (let n = 0; n < 64; n++) void open(headOf('POST /v1/videos', keys.acme ?? '', half));
    await sleep(20);
    if (sent > MAX_IN_PROGRESS / 2 && (await told()).includes('This tenant')) break;
  }
  const full = `This tenant has ${(MAX_IN_PROGRESS * 3) / 4} requests in progress`;
  await expect.poll(told, { timeout: 10_000 }).toContain(full);
  const statusOf = async (key = '', ...call: [method: string, fields?: object]) =>
    (await callAs(server, key, call[0], '/v1/videos', call[1])).status;
  await expect.poll(() => statusOf(keys.bolt, 'GET'), { timeout: 10_000 }).toBe(200);
  await expect.poll(() => statusOf(keys.bolt, 'POST', { prompt: 'a ring' }), { timeout: 10_000 }).toBe(200);
  for (const socket of sockets.splice(0)) socket.destroy();
  await expect.poll(() => statusOf(keys.acme, 'GET'), { timeout: 10_000 }).toBe(200);
});

test('of the room for bodies a tenant has three quarters, and whoever has no key all of it', () => {
  const pool: BodyPool = { bytes: 0, maxBytes: 64 };
  const placeFor = createTenantShare({ requests: 4, pool });
  const [first, second] = [placeFor({ tenant: 'acme', keyId: 'a' }), placeFor({ tenant: 'acme', keyId: 'b' })];
  expect(first.pool).toBe(second.pool);
  expect(first.pool).toEqual({ bytes: 0, maxBytes: 48, within: pool });
  expect(placeFor({ tenant: 'bolt', keyId: 'c' }).pool).not.toBe(first.pool);
  expect(placeFor({ tenant: 'local', keyId: null }).pool).toBe(pool);
  placeFor({ tenant: 'acme', keyId: 'a' });
  expect(() => placeFor({ tenant: 'acme', keyId: 'a' })).toThrow('This tenant has 3 requests in progress');
  first.leave();
  placeFor({ tenant: 'acme', keyId: 'a' });
});

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { openTo } from '#local/embedded.ts';
import { createHttpServer } from '#local/http-server.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { createLoadClient } from '#test/bench/load-client.ts';
import { type ApiServer, startApi } from '#test/functions/api-server.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await startApi({ work: false });
});
afterAll(() => api.close());

const portOf = () => Number(new URL(api.url).port);

/** Sends bytes on a connection of their own and gives what came back until the server closed or `untilMs` passed. */
function exchange(bytes: string | Buffer, untilMs = 5_000, port = portOf()): Promise<string> {
  return new Promise(resolve => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(done, untilMs);
    socket.on('data', chunk => {
      received += chunk.toString('latin1');
    });
    socket.on('close', done).on('error', () => undefined);
  });
}

const statusesIn = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(match => Number(match[1]));
const post = (body: string, rest = '') =>
  `POST /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${rest}content-length: ${body.length}\r\n\r\n${body}`;

describe('a process that is behind', () => {
  test('refuses what it cannot serve in time, tells when to come again, still tells its health, and recovers', async () => {
    const { deps } = api.embedded;
    const busyMs = 4;
    const slowStore = {
      ...deps.store,
      get: (id: string, tenant: string) => {
        for (const untilMs = performance.now() + busyMs; performance.now() < untilMs; );
        return deps.store.get(id, tenant);
      },
    };
    const server = createHttpServer({ ...deps, store: slowStore }, noStaticFiles);
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const client = createLoadClient(port);
    const { id } = await api.post({ prompt: 'a red circle' });
    const get = (path: string) => client.send(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
    const outcomes: unknown[] = [];
    const texts: string[] = [];
    const health: unknown[] = [];
    // 1,000 a second, where 250 a second can be served.
    for (let n = 0; n < 1_500; n++) {
      void get(`/v1/videos/${id}`).then(({ outcome, text }) => {
        outcomes.push(outcome);
        if (outcome === 429) texts.push(text);
      });
      if (n % 50 === 0) void get('/health').then(({ outcome }) => health.push(outcome));
      if (n % 10 === 9) await sleep(10);
    }
    while (outcomes.length < 1_500 || health.length < 30) await sleep(20);
    expect(new Set(outcomes)).toEqual(new Set([200, 429]));
    expect(new Set(health)).toEqual(new Set([200]));
    expect(JSON.parse(texts[0]!).error).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error', param: null });
    await sleep(50);
    expect((await get(`/v1/videos/${id}`)).outcome).toBe(200);
    client.close();
    server.close();
  });

  test('does not call a burst an overload', async () => {
    const client = createLoadClient(portOf());
    const { id } = await api.post({ prompt: 'a red circle' });
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.send(`GET /v1/videos/${id} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)),
    );
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set([200]));
    client.close();
  });
});

describe('what one connection may ask for', () => {
  test('requests sent far ahead of their answers are refused in order, and the connection goes on', async () => {
    const get = 'GET /v1/videos?limit=100 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
    const last = 'GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n';
    const received = await exchange(get.repeat(100) + last);
    const statuses = statusesIn(received);
    expect(statuses).toHaveLength(101);
    expect(statuses.slice(0, 16)).toEqual(Array(16).fill(200));
    expect(new Set(statuses.slice(16, 100))).toEqual(new Set([429]));
    expect(statuses[100]).toBe(200); // its health it always tells
    expect(received).toMatch(/retry-after-ms: \d{4}\r\n/);
    expect(received).toContain('x-should-retry: true');
  });

  test('a refused request with a body leaves the connection in step', async () => {
    const refused = post('{"prompt":"x","nope":1}').repeat(40);
    const last = `GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    const statuses = statusesIn(await exchange(refused + last, 500));
    expect(statuses).toHaveLength(41);
    expect(statuses[0]).toBe(400);
    expect([200, 429]).toContain(statuses[40]);
  });

  test('a body that is refused unread is drained, so that the client finds its answer, with or without keep-alive', async () => {
    for (const headers of [{}, { connection: 'close' }] as IncomingHttpHeaders[]) {
      const status = await new Promise((resolve, reject) => {
        const bytes = limits.maxMultipartBytes + 1_000_000;
        const upload = httpRequest(
          `${api.url}/v1/videos`,
          { method: 'POST', headers: { ...headers, 'content-length': bytes } },
          response => {
            resolve(response.statusCode);
            response.resume();
          },
        );
        upload.on('error', reject).end(Buffer.alloc(bytes, 'x'));
      });
      expect(status).toBe(413);
    }
  });

  test('who has no key and never ends a body keeps nobody out', async () => {
    const { deps } = api.embedded;
    const authenticate = openTo(api.embedded.authenticator, { isKeyless: false });
    const server = createHttpServer({ ...deps, authenticate }, noStaticFiles);
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const half = (start: string) =>
      `${start} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{`;
    const sockets: Socket[] = [];
    const answered = async (start: string) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(half(start)));
        sockets.push(socket);
        socket.once('data', () => resolve()).once('error', reject);
      });
    // More than are let in at once, of which none ends.
    for (let n = 0; n < 11; n++)
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => answered(i % 2 === 0 ? 'POST /v1/videos' : 'GET /health')),
      );
    expect(
      statusesIn(
        await exchange('GET /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n', 5_000, port),
      ),
    ).toEqual([401]);
    for (const socket of sockets) socket.destroy();
    server.close();
    server.closeAllConnections();
  });

  test('bytes that are no HTTP get an envelope, too large headers a 431, and the connection closes', async () => {
    const nonsense = await exchange('HELO mail.example\r\n\r\n');
    expect(statusesIn(nonsense)).toEqual([400]);
    expect(JSON.parse(nonsense.split('\r\n\r\n')[1]!).error.code).toBe('invalid_request');
    const long = await exchange(`GET / HTTP/1.1\r\nhost: 127.0.0.1\r\na: ${'b'.repeat(20_000)}\r\n\r\n`);
    expect(statusesIn(long)).toEqual([431]);
    const chunks = await exchange(
      'POST /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    );
    expect(statusesIn(chunks)).toEqual([400]);
  });

  test('a path that begins with another host, or is a whole URL, is not this server', async () => {
    for (const target of ['//evil.example/v1/models', 'http://127.0.0.1/v1/models', '*', '/\\evil.example/v1/models'])
      expect(
        statusesIn(await exchange(`GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)),
      ).toEqual([404]);
  });
});

describe('a server without keys', () => {
  test('serves nobody who comes through a proxy, and says why', async () => {
    const send = (headers: Record<string, string>) => fetch(`${api.url}/v1/videos`, { headers });
    expect((await send({})).status).toBe(200);
    for (const header of [
      'x-forwarded-for',
      'forwarded',
      'cf-connecting-ip',
      'x-real-ip',
      'via',
      'x-forwarded-proto',
    ]) {
      const answer = await send({ [header]: '203.0.113.9' });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toMatch(new RegExp(`${header}: this server asks for no key`));
    }
    expect((await fetch(`${api.url}/health`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(200);
  });
});

describe('what all connections may hold', () => {
  test('half-sent bodies are held up to a limit; then uploads are refused, and served again once there is room', async () => {
    const bytes = limits.maxMultipartBytes;
    const halfSent = Array.from({ length: 12 }, () => {
      const answer = { status: 0 };
      const upload = httpRequest(
        `${api.url}/v1/videos`,
        { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': bytes } },
        response => {
          answer.status = response.statusCode ?? 0;
          response.resume();
        },
      );
      upload.on('error', () => undefined);
      upload.write(Buffer.alloc(bytes - 1, 'x'));
      return { upload, answer };
    });
    for (let looks = 0; looks < 100 && !halfSent.some(({ answer }) => answer.status !== 0); looks++) await sleep(50);
    await sleep(200);
    const refused = halfSent.filter(({ answer }) => answer.status === 429).length;
    expect(refused).toBeGreaterThanOrEqual(3);
    expect(refused).toBeLessThan(12);
    expect((await api.call('GET', '/health')).status).toBe(200);
    for (const { upload } of halfSent) upload.destroy();
    for (let looks = 0; looks < 50 && (await api.post({ prompt: 'x' })).id === undefined; looks++) await sleep(20);
    expect((await api.post({ prompt: 'x' })).status).toBe('queued');
  });

  test('a body sent a byte at a time costs its size and not its pieces', async () => {
    const body = JSON.stringify({ prompt: 'a red circle', metadata: { a: 'y'.repeat(500) } }) + ' '.repeat(400_000);
    const chunked = `${[...body].map(c => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`;
    const head =
      'POST /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n';
    const before = process.memoryUsage().rss;
    expect(statusesIn(await exchange(`${head}transfer-encoding: chunked\r\n\r\n${chunked}`, 20_000))).toEqual([200]);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });

  test('a stream with nothing to say yet tells its client at once that it is connected', async () => {
    const { id } = await api.post({ prompt: 'a red circle' });
    const version = (await api.embedded.deps.store.load(id))!.version;
    const gone = new AbortController();
    const response = await fetch(`${api.url}/v1/videos/${id}/events`, {
      headers: { 'last-event-id': String(version) },
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(5_000)]),
    });
    expect(response.status).toBe(200);
    gone.abort();
  });
});

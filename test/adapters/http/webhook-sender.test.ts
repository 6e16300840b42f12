import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { ResolveHost } from '#adapters/http/resolve-host.ts';
import { createWebhookSender } from '#adapters/http/webhook-sender.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import type { WebhookRequest } from '#core/webhooks/ports.ts';
import { type Receiver, type ReceiverOptions, startRawReceiver, startReceiver } from './receivers.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
const tls = { key: fixture('test-receiver.key.pem'), cert: fixture('test-receiver.pem') };
const ca = fixture('test-ca.pem');

const open: Receiver[] = [];
afterEach(async () => {
  for (const receiver of open.splice(0)) await receiver.close();
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  open.push(started);
  return started;
}

async function raw(behave: Parameters<typeof startRawReceiver>[0], options?: ReceiverOptions): Promise<Receiver> {
  const started = await startRawReceiver(behave, options);
  open.push(started);
  return started;
}

const loopback: ResolveHost = async () => [{ address: '127.0.0.1', family: 4 }];
const post = (url: string, timeoutMs = 10_000): WebhookRequest => ({
  url,
  headers: { 'content-type': 'application/json', 'webhook-id': 'evt_1' },
  body: '{"a":"ž"}',
  timeoutMs,
});
const allowed = (allow: string, resolve = loopback) =>
  createWebhookSender({ allow: parseAllowList(allow), resolve, ca });

describe('a send', () => {
  test('posts the body with its headers and reports the status and the time', async () => {
    const there = await receiver((response, request) =>
      response.writeHead(request.path === '/in?a=%20b' ? 202 : 404).end(),
    );
    const result = await allowed(`127.0.0.1:${there.port}`).send(
      post(`http://127.0.0.1:${there.port}/in?a=%20b#`.slice(0, -1)),
    );
    expect(result).toMatchObject({ status: 202 });
    expect(result.ms).toBeGreaterThan(0);
    expect(there.requests).toMatchObject([{ method: 'POST', path: '/in?a=%20b', body: '{"a":"ž"}' }]);
    expect(there.requests[0]!.headers).toMatchObject({
      host: `127.0.0.1:${there.port}`,
      'webhook-id': 'evt_1',
      'content-length': '10',
      'user-agent': 'Reelay-Webhooks/1',
      connection: 'close',
    });
  });

  test('goes to the address that was checked, with the name in Host, SNI and certificate check', async () => {
    const names: string[] = [];
    const there = await receiver(undefined, { tls, onServerName: name => names.push(name) });
    const url = `https://hooks.corp.example:${there.port}/in`;
    expect(await allowed('hooks.corp.example').send(post(url))).toMatchObject({ status: 200 });
    expect(names).toEqual(['hooks.corp.example']);
    expect(there.requests[0]!.headers.host).toBe(`hooks.corp.example:${there.port}`);
    const other = await allowed('other.corp.example').send(post(url.replace('hooks.', 'other.')));
    expect(other).toMatchObject({ failure: 'certificate_refused' });
    const distrusting = createWebhookSender({ allow: parseAllowList('hooks.corp.example'), resolve: loopback });
    expect(await distrusting.send(post(url))).toMatchObject({ failure: 'certificate_refused' });
    expect(there.requests).toHaveLength(1);
  });

  test('asks for the name once, and connects nowhere when one of its addresses is not allowed', async () => {
    const there = await receiver();
    let asked = 0;
    const answers = [
      [{ address: '127.0.0.1', family: 4 as const }],
      [
        { address: '8.8.8.8', family: 4 as const },
        { address: '127.0.0.1', family: 4 as const },
      ],
      [
        { address: '8.8.8.8', family: 4 as const },
        { address: '::ffff:127.0.0.1', family: 6 as const },
      ],
      [{ address: 'not an address', family: 4 as const }],
    ];
    for (const answer of answers) {
      asked = 0;
      const sender = createWebhookSender({
        resolve: async () => {
          asked++;
          return answer;
        },
      });
      expect(await sender.send(post('https://rebind.example/'))).toMatchObject({ failure: 'address_refused' });
      expect(asked).toBe(1);
    }
    const nobody = createWebhookSender({ resolve: async () => [] });
    expect(await nobody.send(post('https://nobody.example/'))).toMatchObject({ failure: 'name_not_found' });
    expect(there.connections()).toBe(0);
  });

  test('tries the other addresses of a name when the first does not answer', async () => {
    const there = await receiver();
    const sender = allowed('hooks.corp.example', async () => [
      { address: '127.0.0.99', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
    expect(await sender.send(post(`http://hooks.corp.example:${there.port}/`))).toMatchObject({ status: 200 });
  });

  test('follows no redirect', async () => {
    const canary = await receiver();
    const there = await receiver(response =>
      response.writeHead(307, { location: `http://127.0.0.1:${canary.port}/` }).end(),
    );
    const sender = allowed(`127.0.0.1:${there.port},127.0.0.1:${canary.port}`);
    expect(await sender.send(post(`http://127.0.0.1:${there.port}/`))).toMatchObject({ status: 307 });
    expect(canary.connections()).toBe(0);
  });

  test('reads a bounded part of the answer, and lets go of one that never ends', async () => {
    let closed = 0;
    let written = 0;
    const there = await receiver(response => {
      response.writeHead(200);
      const pump = setInterval(() => {
        written += 8_192;
        response.write(Buffer.alloc(8_192));
      }, 5);
      response.once('close', () => {
        clearInterval(pump);
        closed++;
      });
    });
    const drip = await receiver(response => {
      response.writeHead(200).write('x');
      response.once('close', () => closed++);
    });
    const sender = allowed('127.0.0.1');
    for (const { port } of [there, drip])
      expect(await sender.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ status: 200 });
    for (let n = 0; n < 60 && closed < 2; n++) await new Promise(done => setTimeout(done, 50));
    expect(closed).toBe(2);
    expect(written).toBeLessThan(1_000_000);
  });
});

describe('what is no answer', () => {
  const failures: [string, string, (socket: import('node:net').Socket) => void][] = [
    ['hangs up', 'bad_answer', socket => socket.once('data', () => socket.destroy())],
    ['resets', 'bad_answer', socket => socket.once('data', () => socket.resetAndDestroy())],
    ['speaks no HTTP', 'bad_answer', socket => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'sends endless headers',
      'bad_answer',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const pump = setInterval(() => socket.write(`x: ${'y'.repeat(4_096)}\r\n`), 1);
        socket.once('close', () => clearInterval(pump));
      },
    ],
    ['says nothing', 'timed_out', () => undefined],
    [
      'sends headers one by one for ever',
      'timed_out',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const pump = setInterval(() => socket.write('a: b\r\n'), 20);
        socket.once('close', () => clearInterval(pump));
      },
    ],
  ];

  test.each(failures)('a receiver that %s is a %s', async (_what, failure, behave) => {
    const there = await raw(behave);
    const startedMs = performance.now();
    const result = await allowed('127.0.0.1').send(post(`http://127.0.0.1:${there.port}/`, 400));
    expect(result).toMatchObject({ failure });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });

  test('nobody there, no TLS there, and a name server that is silent', async () => {
    const gone = await raw(() => undefined);
    await gone.close();
    const sender = allowed('127.0.0.1,hooks.corp.example');
    expect(await sender.send(post(`http://127.0.0.1:${gone.port}/`))).toMatchObject({ failure: 'connection_failed' });
    const plain = await receiver();
    const overTls = await sender.send(post(`https://hooks.corp.example:${plain.port}/`));
    expect(overTls).toMatchObject({ failure: 'bad_answer' });
    const silent = createWebhookSender({ resolve: () => new Promise(() => undefined) });
    const result = await silent.send(post('https://silent.example/', 200));
    expect(result).toMatchObject({ failure: 'timed_out' });
    expect(result.ms).toBeLessThan(3_000);
  });

  test('a URL that was fine when it was stored and is not any more', async () => {
    const there = await receiver();
    const sender = createWebhookSender({ resolve: loopback });
    for (const url of [`http://127.0.0.1:${there.port}/`, 'https://xn--a/', 'nonsense'])
      expect(await sender.send(post(url)), url).toMatchObject({ failure: 'url_refused' });
    expect(there.connections()).toBe(0);
  });
});

test('no proxy, no extra trust and no redirect comes from the environment', async () => {
  const proxy = await raw(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
  const there = await receiver(undefined, { tls });
  const script = `
    const { createWebhookSender } = await import('#adapters/http/webhook-sender.ts');
    const { parseAllowList } = await import('#core/webhooks/allow-list.ts');
    const allow = parseAllowList('hooks.corp.example,127.0.0.1');
    const sender = createWebhookSender({ allow, resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const send = url => sender.send({ url, headers: {}, body: '{}', timeoutMs: 10000 });
    const plain = await send('http://127.0.0.1:1/');
    const secure = await send('https://hooks.corp.example:${there.port}/');
    console.log(JSON.stringify([plain.failure ?? plain.status, secure.failure ?? secure.status]));`;
  const url = `http://127.0.0.1:${proxy.port}`;
  const env = {
    ...process.env,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    http_proxy: url,
    https_proxy: url,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NO_PROXY: '', no_proxy: '' },
    cwd: join(import.meta.dirname, '..', '..', '..'),
  });
  expect(JSON.parse(stdout)).toEqual(['connection_failed', 'certificate_refused']);
  expect(proxy.connections()).toBe(0);
});

test('a receiver that answers 101 is a bad answer and not a send without an end', async () => {
  const there = await raw(socket =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ),
  );
  const result = await allowed(`127.0.0.1:${there.port}`).send(post(`http://127.0.0.1:${there.port}/`, 2_000));
  expect(result).toMatchObject({ failure: 'bad_answer' });
});

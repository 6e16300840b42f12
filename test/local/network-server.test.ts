import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frontFrom, withFrontOptions } from '#cli/front-settings.ts';
import { inspectKey, newKey } from '#core/accounts/api-key.ts';
import { limits } from '#core/limits.ts';
import { routes } from '#functions/routes.ts';
import { openTo } from '#local/embedded.ts';
import { checkFront, type Front, publicHostsOf } from '#local/front.ts';
import { createHttpServer } from '#local/http-server.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { type ApiServer, startApi } from '#test/functions/api-server.ts';
import { cli, runCli } from './server-process.ts';

const KEYS = [0, 1].map(() => newKey('local', randomBytes).text) as [string, string];
const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');
const FRONT: Front = { publicHosts: ['reelay.test'], keySha256s: KEYS.map(hashOf).join(',') };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

let folder: string;
let api: ApiServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-network-'));
  api = await startApi({ ...FRONT, work: true });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const call = (path: string, init: RequestInit = {}) => fetch(api.url + path, init);
const json = { 'content-type': 'application/json' };

/** The status of a request with headers that fetch does not let one set. */
function statusOf(head: string): Promise<number> {
  return new Promise(resolve => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () => socket.write(`${head}\r\n\r\n`));
    socket.once('data', bytes => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(bytes.toString())?.[1]));
    });
  });
}

describe('a server with keys', () => {
  test('answers no route but /health without a key, and a wrong key exactly as none', async () => {
    const bodies = new Set<string>();
    for (const route of Object.keys(routes)) {
      const [method = '', path = ''] = route.split(' ');
      if (path === '/health') continue;
      const url = path.replaceAll(/\{.+?\}/g, 'video_0');
      const body = method === 'POST' ? '{"prompt":"x"}' : null;
      const answer = await call(url, { method, headers: json, body });
      expect([route, answer.status, answer.headers.get('www-authenticate')]).toEqual([route, 401, 'Bearer']);
      bodies.add(await answer.text());
    }
    const wrong = [bearer('rly_wrong'), bearer(KEYS[0].slice(0, -1)), { authorization: `Basic ${KEYS[0]}` }];
    for (const headers of wrong) {
      const answer = await call('/v1/videos', { headers });
      expect(answer.status).toBe(401);
      bodies.add(await answer.text());
    }
    expect([...bodies]).toEqual([expect.stringContaining('a valid API key is required')]);
    expect((await call('/health')).status).toBe(200);
  });

  test('tells who has no key that it is well and nothing else, and writes no line of it', async () => {
    for (const headers of [{}, bearer('rly_wrong')])
      expect(await (await call('/health', { headers })).text()).toBe('{"status":"ok"}');
    const told = await (await call('/health', { headers: bearer(KEYS[0]) })).json();
    expect(told).toEqual({ status: 'ok', mode: 'embedded', models: ['reelay-mini'], queued: expect.any(Number) });
    await call('/v1/videos', { headers: bearer(KEYS[0]) });
    const log = () => readFile(join(api.folder, 'log.jsonl'), 'utf8');
    // Lines are written in their order, some gathered: with this one come those before it.
    await expect.poll(log, { timeout: 10_000 }).toContain('"route":"list"');
    expect(await log()).not.toContain('"route":"health"');
  });

  test('lets nobody try keys at /health', async () => {
    const { deps, authenticator } = api.embedded;
    const authenticate = openTo(authenticator, { isKeyless: false, keySha256s: FRONT.keySha256s! });
    const server = createHttpServer({ ...deps, authenticate }, noStaticFiles, FRONT);
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
    for (let n = 0; n < 20; n++) await fetch(url, { headers: bearer(`rk_guess${n}`) });
    const told = await fetch(url, { headers: bearer(KEYS[0]) });
    expect([told.status, await told.text()]).toEqual([200, '{"status":"ok"}']);
    server.close();
    server.closeAllConnections();
  });

  test('refuses before it reads the body', async () => {
    const head = 'POST /v1/videos HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 900';
    expect(await statusOf(head)).toBe(401);
  });

  test('lets in each of its keys', async () => {
    for (const key of KEYS) expect((await call('/v1/videos', { headers: bearer(key) })).status).toBe(200);
  });

  test('answers to its names only, and to pages of its own origin only', async () => {
    const get = (host: string, more = '') =>
      statusOf(`GET /v1/videos HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${KEYS[0]}${more}`);
    expect(await get('reelay.test')).toBe(200);
    expect(await get('Reelay.Test:4180')).toBe(200);
    expect(await get('localhost:4180')).toBe(200);
    expect(await get('evil.test')).toBe(403);
    expect(await get('reelay.test.evil.test')).toBe(403);
    expect(await get('reelay.test', '\r\norigin: https://reelay.test')).toBe(200);
    expect(await get('reelay.test', '\r\norigin: https://evil.test')).toBe(403);
    expect(await get('reelay.test', '\r\norigin: null')).toBe(403);
    expect(await get('reelay.test', '\r\nhost: evil.test')).toBe(400);
    const other = await startApi({ ...FRONT, host: '127.0.0.2', work: false });
    const told = await fetch(other.url.replace('127.0.0.2', 'localhost'), {}).catch(() => undefined);
    expect(told).toBeUndefined();
    expect((await fetch(`${other.url}/health`)).status).toBe(200);
    await other.close();
  });

  test('says after twenty wrong keys when to come again, and whose key is right comes in', async () => {
    const { deps, authenticator } = api.embedded;
    const authenticate = openTo(authenticator, { isKeyless: false, keySha256s: FRONT.keySha256s! });
    const server = createHttpServer({ ...deps, authenticate }, noStaticFiles, FRONT);
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/videos`;
    const guess = (n: number) => fetch(url, { headers: bearer(`rk_guess${n}`) });
    for (let n = 0; n < 20; n++) expect((await guess(n)).status).toBe(401);
    const told = await guess(20);
    expect([told.status, told.headers.get('x-should-retry')]).toEqual([429, 'false']);
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(told.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(await told.text()).toContain('too many wrong keys came from this address');
    expect((await fetch(url, { headers: bearer(KEYS[0]) })).status).toBe(429);
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url.replace('/v1/videos', '/health'))).status).toBe(200);
    server.close();
    server.closeAllConnections();
  });

  test('trades a key for a cookie that reads content and events, and nothing else', async () => {
    const body = '{"prompt":"a ring","num_inference_steps":1}';
    const made = await call('/v1/videos', { method: 'POST', headers: { ...bearer(KEYS[0]), ...json }, body });
    const { id } = (await made.json()) as { id: string };
    for (let looks = 0, state = ''; state !== 'completed' && looks < 600; looks++) {
      await new Promise(done => setTimeout(done, 100));
      ({ state } = (await (await call(`/v1/videos/${id}`, { headers: bearer(KEYS[0]) })).json()) as { state: string });
    }
    expect((await call('/studio/session', { method: 'POST' })).status).toBe(401);
    const session = await call('/studio/session', { method: 'POST', headers: bearer(KEYS[1]) });
    const set = session.headers.get('set-cookie') ?? '';
    expect(set).toMatch(/; Path=\/v1\/videos; HttpOnly; SameSite=Strict$/);
    expect(set).not.toContain(KEYS[1].slice(3));
    const cookie = set.split(';')[0]!;
    const got = async (method: string, path: string, headers = {}) =>
      (await call(path, { method, headers: { cookie, ...headers } })).status;
    expect(await got('GET', `/v1/videos/${id}/content`)).toBe(200);
    expect(await got('HEAD', `/v1/videos/${id}/content`)).toBe(200);
    expect(await got('GET', `/v1/videos/${id}/events`)).toBe(200);
    for (const [method, path] of [
      ['GET', '/v1/videos'],
      ['GET', `/v1/videos/${id}`],
      ['DELETE', `/v1/videos/${id}`],
      ['POST', `/v1/videos/${id}/cancel`],
      ['POST', '/studio/session'],
    ] as const)
      expect([method, path, await got(method, path)]).toEqual([method, path, 401]);
    for (const site of ['cross-site', 'same-site'])
      expect(await got('GET', `/v1/videos/${id}/content`, { 'sec-fetch-site': site })).toBe(401);
    for (const wrong of [`${cookie}x`, cookie.replace(/=\d/, '=9'), 'reelay-media=', 'reelay-media=9999999999999.'])
      expect((await call(`/v1/videos/${id}/content`, { headers: { cookie: wrong } })).status).toBe(401);
    const closed = await call('/studio/session', { method: 'DELETE' });
    expect([closed.status, closed.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
  });

  test('writes no key into its log', async () => {
    const log = await readFile(join(api.folder, 'log.jsonl'), 'utf8');
    expect(log).toContain('no valid key');
    for (const key of KEYS) expect(log).not.toContain(key);
    expect(log).not.toContain('rly_wrong');
  });
});

describe('a server whose keys lie in its data folder', () => {
  test('starts on an address of the network once there is one, lets it in, and knows its revocation', async () => {
    const dataFolder = join(folder, 'stored');
    const front = { dataFolder, host: '127.0.0.2', publicHosts: ['reelay.test'], work: false };
    await expect(startApi(front)).rejects.toThrow('`reelay key create` makes one in the data folder');
    expect(existsSync(dataFolder)).toBe(false);
    const first = await startApi({ dataFolder, work: false });
    const made = await first.call('POST', '/v1/keys', { headers: json, body: '{"name":"ann"}' });
    await first.close();
    const stored = await startApi(front);
    const status = async (headers = {}) => (await stored.call('GET', '/v1/videos', { headers })).status;
    expect([await status(), await status(bearer('rly_wrong')), await status(bearer(made.body.key))]).toEqual([
      401, 401, 200,
    ]);
    await stored.close();
    const again = await startApi({ dataFolder, work: false });
    await again.call('DELETE', `/v1/keys/${made.body.id}`);
    expect((await again.call('GET', '/v1/videos', { headers: bearer(made.body.key) })).status).toBe(401);
    await again.close();
    await expect(startApi(front)).rejects.toThrow('so a key is required');
  });
});

describe('reelay serve on the network', () => {
  /** The refusal of a command line, without a process for each. */
  function refusalOf(args: readonly string[], env: Record<string, string>): string {
    const command = withFrontOptions(new Command());
    try {
      checkFront(frontFrom(env, command.parse(args, { from: 'user' }).opts()), Date.now());
    } catch (error) {
      return (error as Error).message;
    }
    return 'allowed';
  }

  test('without a key ends with a sentence and 2, and opens nothing', async () => {
    const env = { REELAY_DATA: join(folder, 'data'), REELAY_DROP: 'off' };
    const { code, stdout, stderr } = await cli(['serve', '--host', '0.0.0.0', '--public-host', 'a.test'], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^reelay: --host \(REELAY_HOST\): 0\.0\.0\.0 is reached by other machines.*\n$/);
    expect(existsSync(env.REELAY_DATA)).toBe(false);
  });

  test.each([
    [['--host', '0.0.0.0', '--public-host', 'a.test'], {}, 'so a key is required; `reelay key create` makes one'],
    [['--host', '192.0.2.1'], {}, 'so a key is required'],
    [['--host', '::'], {}, 'so a key is required'],
    [['--host', '::ffff:127.0.0.1'], {}, 'so a key is required'],
    [['--host', '0:0::0'], { REELAY_API_KEY_SHA256: hashOf('k') }, '--public-host (REELAY_PUBLIC_HOST): with --host'],
    [['--host', '::ffff:0.0.0.0'], { REELAY_API_KEY_SHA256: hashOf('k') }, '--public-host (REELAY_PUBLIC_HOST): with'],
    [['--host', '0.0.0.0'], { REELAY_API_KEY_SHA256: hashOf('k') }, '--public-host (REELAY_PUBLIC_HOST): with --host'],
    [['--host', 'my-box'], {}, '--host (REELAY_HOST): got "my-box"'],
    [['--public-host', 'a.test'], {}, 'be it through a proxy, so a key is required'],
    [['--public-host', 'https://a.test/'], {}, '--public-host (REELAY_PUBLIC_HOST): got "https://a.test/"'],
    [[], { REELAY_API_KEY_SHA256: `${hashOf('k')},rk_secret` }, 'REELAY_API_KEY_SHA256: entry 2 is no SHA-256'],
    [['--keys', '/nowhere/keys'], {}, '--keys (REELAY_KEYS): /nowhere/keys cannot be read (ENOENT)'],
    [['--keys', '/dev/null'], {}, 'there is no hash in it'],
    [['--tls-cert', '/dev/null'], {}, 'one is given without the other'],
    [['--tls-cert', '/dev/null', '--tls-key', '/dev/null'], {}, 'these are no certificate and its own'],
    [['--host', '127.0.0.1'], {}, 'allowed'],
    [['--host', '::1'], {}, 'allowed'],
    [['--host', '0:0:0:0:0:0:0:1'], {}, 'allowed'],
    [['--host', '0.0.0.0', '--public-host', 'a.test'], { REELAY_API_KEY_SHA256: hashOf('k') }, 'allowed'],
    [[], { REELAY_HOST: '0.0.0.0', REELAY_PUBLIC_HOST: 'a.test' }, 'so a key is required'],
  ])('%j with %j: %s', (args, env, sentence) => {
    const said = refusalOf(args, env as unknown as Record<string, string>);
    expect(said).toContain(sentence);
    expect(said).not.toContain('rk_secret');
  });

  test('answers to the form that clients give its IPv6 address', () => {
    expect(publicHostsOf({ host: '2001:DB8:0:0::1' })).toEqual(['[2001:db8::1]']);
    expect(publicHostsOf({ host: 'fe80::1%eth0' })).toEqual(['[fe80::1]']);
  });

  test('reelay key makes a key that a server with its hash lets in, and another one each time', async () => {
    const [a, b] = await Promise.all([cli(['key', '--json'], {}), cli(['key', '--json'], {})]);
    const { key, sha256 } = JSON.parse(a.stdout) as { key: string; sha256: string };
    expect(key).not.toBe((JSON.parse(b.stdout) as { key: string }).key);
    expect([sha256, inspectKey(key).is]).toEqual([hashOf(key), 'key']);
    expect((await cli(['key'], {})).stdout).toMatch(/^key {5}rly_local_\S{76}\nsha256 {2}[0-9a-f]{64}\n/);
    const file = join(folder, 'keys');
    await writeFile(file, `# people\n${sha256}  # ann\n\n`);
    expect(frontFrom({ REELAY_KEYS: file, REELAY_API_KEY_SHA256: hashOf('k') }).keySha256s).toBe(
      `${sha256},${hashOf('k')}`,
    );
  });

  test('speaks TLS where it has a certificate, and plain HTTP there is nobody to answer', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=reelay.test';
    const names = ['-addext', 'subjectAltName=DNS:reelay.test', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...make.split(' '), ...names], { stdio: 'ignore' });
    const tls = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    const secure = await startApi({ ...FRONT, tls, work: false });
    expect(secure.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const port = Number(new URL(secure.url).port);
    const options = { host: '127.0.0.1', port, ca: tls.cert, servername: 'reelay.test' };
    const answer = await new Promise<IncomingMessage>(resolve => {
      const headers = { host: 'reelay.test', origin: 'https://reelay.test', ...bearer(KEYS[0]) };
      httpsRequest({ ...options, path: '/v1/videos', headers }, found => resolve(found.resume())).end();
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    // Other services of this host may speak plain HTTP.
    expect(answer.headers['strict-transport-security']).toBeUndefined();
    const cookie = await new Promise(resolve => {
      const session = { ...options, path: '/studio/session', method: 'POST', headers: bearer(KEYS[0]) };
      httpsRequest(session, answer => resolve(answer.resume().headers['set-cookie']?.[0])).end();
    });
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Secure$/);
    await expect(fetch(secure.url.replace('https:', 'http:'))).rejects.toThrow();
    const silent = connect(port, '127.0.0.1').on('error', () => undefined); // begins no handshake
    await once(silent, 'connect');
    const closingMs = performance.now();
    await secure.close();
    expect(performance.now() - closingMs).toBeLessThan(limits.headersTimeoutMs / 2);
  });
});

describe('an air-gapped server', () => {
  const recorder = pathToFileURL(join(import.meta.dirname, 'record-outbound.mjs')).href;

  test('makes a video and calls nobody', async () => {
    const outbound = join(folder, 'outbound');
    await writeFile(outbound, '');
    const watched = { REELAY_TEST_OUTBOUND: outbound, NODE_OPTIONS: `--import ${recorder}` };
    const child = runCli(['serve', '--host', '0.0.0.0', '--public-host', '127.0.0.1'], {
      ...watched,
      REELAY_DATA: join(folder, 'air-gapped'),
      REELAY_API_KEY_SHA256: hashOf(KEYS[0]),
    });
    let output = '';
    const url = await new Promise<string>((found, failed) => {
      for (const stream of [child.stdout!, child.stderr!])
        stream.on('data', chunk => {
          output += chunk;
          const ready = /^ready (\S+)$/m.exec(output)?.[1];
          if (ready !== undefined) found(ready);
        });
      child.once('exit', () => failed(new Error(output)));
    });
    const headers = { ...bearer(KEYS[0]), ...json };
    const body = '{"prompt":"a ring","num_inference_steps":1}';
    const made = (await (await fetch(`${url}/v1/videos`, { method: 'POST', headers, body })).json()) as { id: string };
    const look = async () =>
      (await (await fetch(`${url}/v1/videos/${made.id}`, { headers })).json()) as { state: string };
    await expect.poll(async () => (await look()).state, { timeout: 60_000 }).toBe('completed');
    child.kill('SIGTERM');
    await new Promise(done => child.once('exit', done));
    expect(output).toContain('keys and videos cross the network unencrypted');
    expect(output).not.toContain(KEYS[0]);
    expect(await readFile(outbound, 'utf8')).toBe('');

    // And the recorder would have seen it.
    const calls = "fetch('http://192.0.2.1/').catch(() => fetch('http://example.test/')).catch(() => undefined)";
    execFileSync(process.execPath, ['-e', calls], { env: { ...process.env, ...watched } });
    expect(await readFile(outbound, 'utf8')).toBe('connect 192.0.2.1\nconnect example.test\n');
  });
});

import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { type ApiServer, startApi } from './api-server.ts';

let api: ApiServer;

beforeAll(async () => {
  api = await startApi({ work: false });
});
afterAll(() => api.close());

const JSON_TYPE = { 'content-type': 'application/json' };

async function expectRefused(
  answer: { status: number; headers: Headers; body: any },
  status: number,
  param: string | null,
): Promise<void> {
  expect({ status: answer.status, error: answer.body.error }).toEqual({
    status,
    error: { message: expect.stringMatching(/\w+/), type: expect.any(String), code: expect.any(String), param },
  });
  expect(answer.headers.get('x-request-id')).toMatch(/.+/);
  expect((await api.call('GET', '/v1/videos')).body.data).toEqual([]);
  expect(await api.embedded.deps.queue.depth()).toBe(0);
}

describe('bad input is a 4xx that names the field, and nothing is enqueued', () => {
  test.each([
    ['an empty prompt', { prompt: '' }, 'prompt'],
    ['a prompt of 100,000 characters', { prompt: 'x'.repeat(100_000) }, 'prompt'],
    ['a prompt that is no text', { prompt: { a: 1 } }, 'prompt'],
    ['no prompt', {}, 'prompt'],
    ['an unknown model', { prompt: 'x', model: 'sora-2' }, 'model'],
    ['a size the model does not make', { prompt: 'x', size: '1280x720' }, 'size'],
    ['a length the model does not make', { prompt: 'x', seconds: 60 }, 'seconds'],
    ['an unknown field', { prompt: 'x', promt: 'y' }, 'promt'],
    ['a field this server does not offer', { prompt: 'x', generate_sound: true }, 'generate_sound'],
    ['a residency class that nobody defined', { prompt: 'x', residency: 'eu' }, 'residency'],
    ['a list', [], 'body'],
    ['a text', 'prompt', 'body'],
    ['null', null, 'body'],
  ])('%s', async (_name, body, param) => {
    await expectRefused(
      await api.call('POST', '/v1/videos', { body: JSON.stringify(body), headers: JSON_TYPE }),
      400,
      param,
    );
  });

  test.each([
    ['broken JSON', '{"prompt": "a red', 'body'],
    ['nothing', '', 'body'],
    ['JSON a million brackets deep', '['.repeat(500_000), 'body'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('{"prompt":"a red circle '), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      'body',
    ],
  ])('%s', async (_name, body, param) => {
    await expectRefused(await api.call('POST', '/v1/videos', { body, headers: JSON_TYPE }), 400, param);
  });

  test.each([
    ['without a boundary', 'multipart/form-data', 'x'],
    [
      'cut off',
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nhalf a',
    ],
    ['that is noise', 'multipart/form-data; boundary=b', '\0\x01\x02'],
    ['with an empty body', 'multipart/form-data; boundary=b', ''],
  ])('multipart %s', async (_name, type, body) => {
    await expectRefused(await api.call('POST', '/v1/videos', { body, headers: { 'content-type': type } }), 400, 'body');
  });

  test('multipart with the same field twice', async () => {
    const form = new FormData();
    form.append('prompt', 'a');
    form.append('prompt', 'b');
    await expectRefused(await api.call('POST', '/v1/videos', { body: form }), 400, 'prompt');
  });

  test('multipart with a file where a text belongs', async () => {
    const form = new FormData();
    form.append('prompt', new File(['a red circle'], 'prompt.txt'));
    await expectRefused(await api.call('POST', '/v1/videos', { body: form }), 400, 'prompt');
  });

  test('multipart with too many parts', async () => {
    const form = new FormData();
    for (let i = 0; i <= limits.maxParts; i++) form.append(`metadata[k${i}]`, 'v');
    await expectRefused(await api.call('POST', '/v1/videos', { body: form }), 400, 'body');
  });

  test.each([
    ['plain', (b: string) => `boundary=${b}`],
    ['quoted, behind others', (b: string) => `charset="x;y"; Boundary="${b}"`],
    ['with escapes, behind an empty one', (b: string) => `boundary=;boundary="\\${b}" ;boundary=other`],
  ])('multipart with tens of thousands of parts, before they are parsed; its boundary %s', async (_name, parameter) => {
    const boundary = 'b'.repeat(30);
    const part = `--${boundary}\r\ncontent-disposition: form-data; name="a"; filename="x"\r\n\r\n\r\n`;
    const body = `${part.repeat(Math.floor(7_000_000 / part.length))}--${boundary}--\r\n`;
    const headers = { 'content-type': `multipart/form-data; ${parameter(boundary)}` };
    const small = `${part}--${boundary}--\r\n`; // the parser reads the boundary as we do
    expect((await new Response(small, { headers }).formData()).has('a')).toBe(true);
    const startedMs = performance.now();
    const answer = await api.call('POST', '/v1/videos', { body, headers });
    expect(performance.now() - startedMs).toBeLessThan(1_000); // parsed they take many times as long
    expect(answer.body.error.message).toBe(`body: at most ${limits.maxParts} parts are allowed.`);
    await expectRefused(answer, 400, 'body');
  });

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', ''])(
    'content type "%s"',
    async type => {
      const headers = type === '' ? {} : { 'content-type': type };
      await expectRefused(await api.call('POST', '/v1/videos', { body: Buffer.from('prompt=x'), headers }), 415, null);
    },
  );

  test('a compressed body', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    await expectRefused(await api.call('POST', '/v1/videos', { body: '{}', headers }), 415, null);
  });

  test('a JSON body over its limit', async () => {
    const body = JSON.stringify({ prompt: 'x', metadata: { a: 'y'.repeat(limits.maxBodyBytes) } });
    await expectRefused(await api.call('POST', '/v1/videos', { body, headers: JSON_TYPE }), 413, null);
  });

  test('a body over the limit of any body, without reading it all', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const request = httpRequest(`${api.url}/v1/videos`, { method: 'POST', headers: JSON_TYPE }, response => {
        resolve(response.statusCode ?? 0);
        response.resume();
        request.destroy();
      });
      request.on('error', reject);
      const chunk = Buffer.alloc(1 << 16, 'x');
      for (let sent = 0; sent < limits.maxMultipartBytes + (1 << 20); sent += chunk.length) request.write(chunk);
    });
    expect(status).toBe(413);
  });

  test.each([
    'video_nope',
    `video_${'0'.repeat(26)}`,
    '..%2F..%2Fetc%2Fpasswd',
    '%2e%2e',
    `${'x'.repeat(5000)}`,
    'video_%00',
    '%E0%A4%A',
    "video_' OR 1=1 --",
  ])('unknown id %#', async id => {
    const path = `/v1/videos/${id.includes('%') ? id : encodeURIComponent(id)}`;
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['GET', '/content'],
      ['GET', '/events'],
    ] as const)
      await expectRefused(await api.call(method, path + rest), 404, null);
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'limit=0x10', 'order=up', 'after=1', 'status=done', 'wibble=1'])(
    'list?%s',
    async query => {
      await expectRefused(await api.call('GET', `/v1/videos?${query}`), 400, query.split('=')[0]!);
    },
  );

  test('a call about characters, which no model here knows, is a 404 that the client does not try again', async () => {
    const answer = await api.call('GET', '/v1/videos/characters/char_1');
    expect([answer.status, answer.body.error.code]).toEqual([404, 'not_supported']);
  });

  test('an unknown path, and a known one with another method', async () => {
    expect((await api.call('GET', '/v1/nothing')).status).toBe(404);
    expect((await api.call('GET', '/../../package.json')).status).toBe(404);
    const put = await api.call('PUT', '/v1/videos', { body: '{}', headers: JSON_TYPE });
    expect([put.status, put.body.error.code, put.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      'POST, GET',
    ]);
  });

  test.each([
    ['edits, of nothing', 'edits', 'invalid_request'],
    ['extensions, which no model here offers', 'extensions', 'unsupported_operation'],
  ])('%s: never a 501', async (_, path, code) => {
    const answer = await api.call('POST', `/v1/videos/${path}`, { body: '{}', headers: JSON_TYPE });
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  test('a page of another site cannot use the keyless server', async () => {
    const headers = { ...JSON_TYPE, origin: 'https://evil.example' };
    const body = JSON.stringify({ prompt: 'x' });
    await expectRefused(await api.call('POST', '/v1/videos', { body, headers }), 403, null);
    const rebound = await new Promise<number>(resolve => {
      httpRequest(`${api.url}/v1/videos`, { headers: { host: 'evil.example' } }, response => {
        resolve(response.statusCode ?? 0);
        response.resume();
      }).end();
    });
    expect(rebound).toBe(403);
  });

  test('bytes that are not HTTP do not end the server', async () => {
    const port = Number(new URL(api.url).port);
    await new Promise<void>(resolve => {
      const socket = connect(port, '127.0.0.1', () => socket.end('\x16\x03\x01\0\0NOT HTTP\r\n\r\n'));
      socket
        .on('close', () => resolve())
        .on('error', () => undefined)
        .resume();
    });
    expect((await api.call('GET', '/health')).body.status).toBe('ok');
  });
});

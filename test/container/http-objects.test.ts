import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseBundlePlace } from '#gpu-container/bundle-settings.ts';
import { createHttpObjects } from '#gpu-container/bundles/http-objects.ts';
import { readRange, sizeOf } from '#gpu-container/bundles/read-range.ts';

const { signal } = new AbortController();
const PATIENCE = { stallMs: 300, retryMs: 1 };
const BYTES = Buffer.from('0123456789');

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>(done => server.close(() => done()));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/share`;
}

const asking = async (listener: RequestListener) => {
  let asked = 0;
  const url = await serving((request, response) => {
    asked++;
    listener(request, response);
  });
  const reading = readRange(createHttpObjects(url), 'key', { start: 2, end: 5 }, signal, PATIENCE);
  const error = await reading.then(
    bytes => ({ bytes }),
    one => one,
  );
  return { error, asked };
};

describe('a source of bundles over HTTP', () => {
  test('is not followed to another host, which is told once', async () => {
    let elsewhere = 0;
    const other = await serving((_, response) => {
      elsewhere++;
      response.end(BYTES);
    });
    const { error, asked } = await asking((_, response) => response.writeHead(302, { location: other }).end());
    expect(error).toMatchObject({
      code: 'store_unavailable',
      retryable: false,
      message: expect.stringMatching(/answered 302; redirects are not followed\.$/),
    });
    expect([asked, elsewhere]).toEqual([1, 0]);
  });

  test.each([
    [
      'other bytes than were asked for',
      { 'content-range': 'bytes 0-3/10' },
      'with the bytes from 0 on, where those from 2',
    ],
    ['packed bytes', { 'content-encoding': 'gzip' }, 'with the content encoding gzip, unasked'],
  ])('that gives %s is refused in a sentence', async (_, headers, sentence) => {
    const packed = 'content-encoding' in headers;
    const { error, asked } = await asking((_request, response) =>
      response.writeHead(206, headers).end(packed ? gzipSync(BYTES) : BYTES.subarray(0, 4)),
    );
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining(sentence) });
    expect(asked).toBe(1);
  });

  test('that gives packed lengths is refused too', async () => {
    const url = await serving((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end());
    await expect(sizeOf(createHttpObjects(url), 'key', signal, PATIENCE)).rejects.toThrow('content encoding gzip');
  });
});

test.each([
  ['https://host/share?X-Amz-Signature=abc', 'https://host/share?…'],
  ['https://me:hunter2@host/share', 'https://…@host/share'],
  ['https://:hunter2@host/share', 'https://…@host/share'],
  ['s3://me:hunter2@bucket', 's3://…@bucket'],
])('%s is refused without telling what must not be told', (address, shown) => {
  for (const start of [() => parseBundlePlace(address, 'REELAY_BUNDLE_SOURCE'), () => createHttpObjects(address)]) {
    expect(start).toThrow(`got "${shown}"; `);
    expect(start).not.toThrow(/hunter2|Signature/);
  }
});

import { describe, expect, test } from 'vitest';
import type { BlobBody, BlobStore } from '#core/ports.ts';

export interface OpenBlobs {
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

const KEY = 'videos/acme/video_01/attempt=1/video.mp4';
const MP4 = { contentType: 'video/mp4' };

/** What every BlobStore keeps. `open` gives an empty store. */
export function blobStoreContract(name: string, open: () => Promise<OpenBlobs>): void {
  const promise = (title: string, keep: (blobs: BlobStore) => Promise<void>) =>
    test(title, { timeout: 15_000 }, async () => {
      const { blobs, close } = await open();
      try {
        await keep(blobs);
      } finally {
        await close();
      }
    });

  describe(`${name} as a BlobStore`, () => {
    bytePromises(promise);
    readPromises(promise);
    replacePromises(promise);
    removalPromises(promise);
    keyPromises(promise);
  });
}

type Promised = (title: string, keep: (blobs: BlobStore) => Promise<void>) => void;

function bytePromises(promise: Promised): void {
  promise('bytes come back as they were put, with their size and etag', async blobs => {
    const bytes = numbered(100_000);
    const stored = await blobs.put(KEY, bytes, MP4);
    expect(stored.bytes).toBe(100_000);
    expect(stored.etag).toMatch(/^[\w-]+$/);
    expect(await blobs.head(KEY)).toEqual(stored);
    const body = await read(blobs, KEY);
    expect(body).toMatchObject(stored);
    expect(body.read).toEqual(bytes);
  });

  promise('an empty blob is a blob', async blobs => {
    await blobs.put(KEY, new Uint8Array(), MP4);
    expect((await blobs.head(KEY))?.bytes).toBe(0);
    expect((await read(blobs, KEY)).read).toEqual(new Uint8Array());
  });

  promise('megabytes come back as they were put', async blobs => {
    const bytes = numbered(5_000_000);
    await blobs.put(KEY, bytes, MP4);
    expect(Buffer.compare((await read(blobs, KEY)).read, bytes)).toBe(0);
  });

  promise('a view of a larger buffer puts only the view', async blobs => {
    const whole = numbered(100);
    await blobs.put(KEY, whole.subarray(10, 20), MP4);
    expect((await read(blobs, KEY)).read).toEqual(whole.slice(10, 20));
  });
}

function readPromises(promise: Promised): void {
  promise('a range gives its bytes, both ends included, and the size of the whole', async blobs => {
    const bytes = numbered(1000);
    await blobs.put(KEY, bytes, MP4);
    const ranges = [
      [0, 0],
      [0, 999],
      [10, 19],
      [999, 999],
      [500, 999],
    ] as const;
    for (const [start, end] of ranges) {
      const body = await read(blobs, KEY, { start, end });
      expect(body.read).toEqual(bytes.slice(start, end + 1));
      expect(body.bytes).toBe(1000);
    }
  });

  promise('a range that starts beyond the end is refused', async blobs => {
    await blobs.put(KEY, numbered(10), MP4);
    await expect(blobs.get(KEY, { start: 10, end: 12 })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  promise('an unknown key is undefined, also where it is a prefix of others', async blobs => {
    expect(await blobs.head(KEY)).toBeUndefined();
    expect(await blobs.get(KEY)).toBeUndefined();
    expect(await blobs.get(KEY, { start: 0, end: 1 })).toBeUndefined();
    await blobs.put(KEY, numbered(10), MP4);
    expect(await blobs.head('videos/acme/video_01')).toBeUndefined();
    expect(await blobs.get('videos/acme/video_01')).toBeUndefined();
    expect(await blobs.head(`${KEY}/below`)).toBeUndefined();
    expect(await blobs.get(`${KEY}/below`)).toBeUndefined();
  });

  promise('a reader may stop early, and read nothing at all', async blobs => {
    await blobs.put(KEY, numbered(1_000_000), MP4);
    for await (const chunk of (await blobs.get(KEY))!.stream) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await (await blobs.get(KEY))!.stream[Symbol.asyncIterator]().return?.();
    expect((await read(blobs, KEY)).read.length).toBe(1_000_000);
  });
}

function replacePromises(promise: Promised): void {
  promise('a put replaces the blob and changes the etag', async blobs => {
    const first = await blobs.put(KEY, Buffer.from('first'), MP4);
    const second = await blobs.put(KEY, Buffer.from('2nd!!'), MP4);
    expect(second.etag).not.toBe(first.etag);
    expect(await blobs.head(KEY)).toEqual(second);
    expect(Buffer.from((await read(blobs, KEY)).read).toString()).toBe('2nd!!');
  });

  promise('whoever reads while it is replaced sees one version whole', async blobs => {
    const versions = ['a', 'b', 'c', 'd'].map(letter => Buffer.alloc(300_000, letter));
    await blobs.put(KEY, versions[0]!, MP4);
    let done = false;
    const writing = (async () => {
      for (const version of [...versions, ...versions]) await blobs.put(KEY, version, MP4);
      done = true;
    })();
    do {
      const seen = Buffer.from((await read(blobs, KEY)).read);
      expect(versions.some(version => version.equals(seen))).toBe(true);
    } while (!done);
    await writing;
  });

  promise('twenty writers at once leave one version whole', async blobs => {
    const versions = Array.from({ length: 20 }, (_, n) => Buffer.alloc(50_000, n));
    await Promise.all(versions.map(version => blobs.put(KEY, version, MP4)));
    const seen = Buffer.from((await read(blobs, KEY)).read);
    expect(versions.some(version => version.equals(seen))).toBe(true);
  });
}

function removalPromises(promise: Promised): void {
  promise('a prefix is removed with all below it, and its neighbours stay', async blobs => {
    const below = ['a/b/one', 'a/b/two', 'a/b/c/d/three'];
    const beside = ['a/bc/one', 'a/b.txt', 'a/b=1', 'ab/one', 'a/one'];
    for (const key of [...below, ...beside]) await blobs.put(key, Buffer.from(key), MP4);
    await blobs.deletePrefix('a/b/');
    for (const key of below) expect(await blobs.head(key)).toBeUndefined();
    for (const key of beside) expect(Buffer.from((await read(blobs, key)).read).toString()).toBe(key);
  });

  promise('removing nothing is fine, also twice, and a removed key can be put again', async blobs => {
    await blobs.deletePrefix('videos/acme/video_01/');
    await blobs.put(KEY, numbered(1), MP4);
    await blobs.deletePrefix('videos/acme/video_01/');
    await blobs.deletePrefix('videos/acme/video_01/');
    expect(await blobs.head(KEY)).toBeUndefined();
    await blobs.put(KEY, numbered(2), MP4);
    expect((await blobs.head(KEY))?.bytes).toBe(2);
  });
}

function keyPromises(promise: Promised): void {
  const hostile = [
    '../escape',
    'a/../../escape',
    'a/..',
    'a/./b',
    '.',
    '/etc/passwd',
    'a//b',
    'a/',
    '',
    'a\\b',
    '..\\escape',
    'C:\\x',
    'a b',
    'a\0b',
    'a\nb',
    'ä/b',
    'a/~x.tmp',
    'a/%2e%2e/b',
    'a?b',
    `${'x'.repeat(300)}`,
    `a/${'long/'.repeat(300)}x`,
  ];
  promise('a key outside the grammar is an invalid request, whatever is asked of it', async blobs => {
    const refused = { code: 'invalid_request', retryable: false };
    for (const key of hostile) {
      await expect(blobs.put(key, numbered(1), MP4), key).rejects.toMatchObject(refused);
      await expect(blobs.head(key), key).rejects.toMatchObject(refused);
      await expect(blobs.get(key), key).rejects.toMatchObject(refused);
      await expect(blobs.presign(key, { expiresSeconds: 1, filename: 'x', contentType: 'x' })).rejects.toMatchObject(
        refused,
      );
    }
  });

  promise('a prefix outside the grammar is an invalid request and removes nothing', async blobs => {
    await blobs.put('a/b', numbered(1), MP4);
    for (const prefix of ['', '/', 'a', 'a/b', '../', 'a/../', './', 'a//', '/a/', '*/'])
      await expect(blobs.deletePrefix(prefix), prefix).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await blobs.head('a/b')).toBeDefined();
  });
}

/** Bytes that tell their place. */
function numbered(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

async function read(
  blobs: BlobStore,
  key: string,
  range?: { start: number; end: number },
): Promise<BlobBody & { read: Uint8Array }> {
  const body = await blobs.get(key, range);
  if (body === undefined) throw new Error(`Nothing under ${key}.`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.stream) chunks.push(chunk);
  return { ...body, read: Uint8Array.from(Buffer.concat(chunks)) };
}

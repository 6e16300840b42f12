import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobPath, createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalEventBus, readEvents } from '#adapters/local/local-event-bus.ts';
import { temporaryFolder } from './local-folder.ts';
import { makeEvent } from './make-job.ts';
import { startChild } from './start-child.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

describe('the file of events', () => {
  test('is read back after a restart, and no file is no events', async () => {
    const file = join(folder.path, 'new', 'events.jsonl');
    expect(await Array.fromAsync(readEvents(file))).toEqual([]);
    const events = [makeEvent(), makeEvent()];
    for (const event of events) await createLocalEventBus(file).publish(event);
    expect(await Array.fromAsync(readEvents(file))).toEqual(events);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  });

  test('goes on after a line that a crash tore, at any byte', async () => {
    const file = join(folder.path, 'events.jsonl');
    const [first, torn, next] = [makeEvent(), { ...makeEvent(), subject: 'kůň 🐎' }, makeEvent()];
    const line = Buffer.from(JSON.stringify(torn));
    for (let cut = 1; cut < line.length; cut += 7) {
      writeFileSync(file, '');
      await createLocalEventBus(file).publish(first);
      appendFileSync(file, line.subarray(0, cut));
      expect(await Array.fromAsync(readEvents(file))).toEqual([first]);
      await createLocalEventBus(file).publish(next);
      expect(await Array.fromAsync(readEvents(file))).toEqual([first, next]);
    }
  });

  test('keeps every line of several processes that append at once', async () => {
    const file = join(folder.path, 'events.jsonl');
    const children = [1, 2, 3].map(() => startChild('publish', file, '40'));
    const pids = await Promise.all(children.map(child => child.result()));
    const ids = (await Array.fromAsync(readEvents(file))).map(event => event.id);
    expect(ids.sort()).toEqual(pids.flatMap(pid => Array.from({ length: 40 }, (_, n) => `${pid}-${n}`)).sort());
  });

  test('that cannot be written is store_unavailable and is named', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    const file = join(folder.path, 'file', 'events.jsonl');
    const refusal = { code: 'store_unavailable', retryable: true, message: expect.stringContaining(file) };
    await expect(createLocalEventBus(file).publish(makeEvent())).rejects.toMatchObject(refusal);
    await expect(createLocalEventBus(folder.path).publish(makeEvent())).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});

describe('the folder of blobs', () => {
  const key = 'videos/acme/video_01/attempt=1/video.mp4';
  const options = { contentType: 'video/mp4' };

  test('has each blob as a plain file where blobPath says', async () => {
    await createFileBlobStore(folder.path).put(key, Buffer.from('bytes'), options);
    const path = blobPath(folder.path, key);
    expect(isAbsolute(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('bytes');
    expect(() => blobPath(folder.path, '../x')).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  test('keeps bytes and etags over a restart', async () => {
    const stored = await createFileBlobStore(folder.path).put(key, Buffer.from('bytes'), options);
    expect(await createFileBlobStore(folder.path).head(key)).toEqual(stored);
  });

  test('has no temporary files after a put, not even after one that failed', async () => {
    const blobs = createFileBlobStore(folder.path);
    await blobs.put('a/b/c', Buffer.from('x'), options);
    await expect(blobs.put('a/b', Buffer.from('x'), options)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(blobs.put('a/b/c/d', Buffer.from('x'), options)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(readdirSync(folder.path, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/c']);
  });

  test('shows the old bytes when a crash left a half-written new version, and removes that with the prefix', async () => {
    const blobs = createFileBlobStore(folder.path);
    const stored = await blobs.put(key, Buffer.from('old'), options);
    writeFileSync(join(blobPath(folder.path, key), '..', '~crashed.tmp'), 'ne');
    expect(await blobs.head(key)).toEqual(stored);
    await blobs.deletePrefix('videos/acme/video_01/');
    expect(existsSync(join(folder.path, 'videos', 'acme', 'video_01'))).toBe(false);
  });

  test('has no links', async () => {
    const link = createFileBlobStore(folder.path).presign(key, { expiresSeconds: 60, filename: 'x', contentType: 'y' });
    expect(await link).toBeUndefined();
  });
});

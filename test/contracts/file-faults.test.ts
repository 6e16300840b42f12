import { readdirSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import type { BlobStore } from '#core/ports.ts';
import { faultFiles } from './fault-files.ts';
import { temporaryFolder } from './local-folder.ts';

const key = 'videos/acme/video_01/attempt=1/video.mp4';
const options = { contentType: 'video/mp4' };
const [before, after] = [Buffer.from('the old bytes'), Buffer.from('the new bytes, and more of them')];

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

async function read(blobs: BlobStore): Promise<string | undefined> {
  const body = await blobs.get(key);
  return body === undefined ? undefined : String(await buffer(body.stream));
}

/** Puts with the nth step failing, in a folder of its own; false when there were fewer steps. */
async function putFailing(step: number, code: string, old: Buffer | undefined, seen: Set<string>): Promise<boolean> {
  const root = `${folder.path}/${code}-${step}-${old === undefined}`;
  const healthy = createFileBlobStore(root);
  if (old !== undefined) await healthy.put(key, old, options);
  const { files, steps } = faultFiles(step, code);
  const failed = await createFileBlobStore(root, files)
    .put(key, after, options)
    .catch((error: unknown) => error);
  if (steps.length < step) return false;
  const where = `${steps.join(' ')} (${code})`;
  seen.add(steps[step - 1]!);
  expect(failed, where).toMatchObject({ code: 'store_unavailable', retryable: true, cause: { code } });
  const renamed = steps.slice(0, step - 1).includes('rename');
  // Once renamed, only the durability of the name was not had.
  expect(await read(healthy), where).toBe(renamed ? String(after) : old?.toString());
  const names = readdirSync(folder.path, { recursive: true }).map(String);
  expect(
    names.filter(name => name.includes('~')),
    where,
  ).toEqual([]);
  await healthy.put(key, Buffer.from('the next'), options);
  expect(await read(healthy), where).toBe('the next');
  return true;
}

describe('a disk that fails at any step of a put', () => {
  for (const code of ['ENOSPC', 'EIO'])
    for (const old of [undefined, before])
      test(`with ${code} leaves ${old === undefined ? 'nothing' : 'the old bytes'}, no rubbish, and the next put works`, async () => {
        const seen = new Set<string>();
        let step = 1;
        while (await putFailing(step, code, old, seen)) step++;
        expect([...seen].sort()).toEqual(['close', 'mkdir', 'open', 'rename', 'stat', 'sync', 'writeFile']);
        expect(step).toBeGreaterThan(old === undefined ? 15 : 8);
      });

  test('makes up for the sync of a folder that failed, with the next put', async () => {
    const counting = faultFiles(0, 'EIO');
    await createFileBlobStore(`${folder.path}/healthy`, counting.files).put('a/b', after, options);
    const firstSync = counting.steps.indexOf('sync') + 1;
    const failing = faultFiles(firstSync, 'EIO');
    const blobs = createFileBlobStore(`${folder.path}/failing`, failing.files);
    await expect(blobs.put('a/b', after, options)).rejects.toMatchObject({ code: 'store_unavailable' });
    await blobs.put('a/b', after, options);
    const syncs = (steps: readonly string[]) => steps.filter(step => step === 'sync').length;
    expect(syncs(failing.steps)).toBe(syncs(counting.steps) + 1);
  });

  test('reads what was there also when a look at it failed', async () => {
    await createFileBlobStore(folder.path).put(key, before, options);
    for (const step of [1, 2]) {
      const blobs = createFileBlobStore(folder.path, faultFiles(step, 'EIO').files);
      await expect(blobs.get(key)).rejects.toMatchObject({ code: 'store_unavailable' });
      expect(await read(createFileBlobStore(folder.path))).toBe(String(before));
    }
  });
});

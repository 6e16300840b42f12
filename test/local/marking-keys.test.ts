import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openMarkingKeys } from '#local/marking-keys.ts';

describe('the keys that mark the videos of a data folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelay-marking-'));
    onTestFinished(() => rm(folder, { recursive: true }));
  });

  test('are made once, however many starts come at once, and by nobody but their owner to be read', async () => {
    const starts = await Promise.all([1, 2, 3].map(() => openMarkingKeys(folder)));
    expect(starts.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(starts.map(({ keys }) => keys.trustRoots)).size).toBe(1);
    expect(new Set(starts.map(({ keys }) => keys.tag)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['marking']);
    const { path } = starts[0]!;
    for (const name of await readdir(path)) expect((await stat(join(path, name))).mode & 0o777, name).toBe(0o600);
    expect((await openMarkingKeys(folder)).isNew).toBe(false);
  });

  test('still mark when the root’s key was taken away, and stop the start when another is', async () => {
    const { path } = await openMarkingKeys(folder);
    await rm(join(path, 'root-key.keep-offline.pem'));
    expect((await openMarkingKeys(folder)).isNew).toBe(false);
    await rename(join(path, 'watermark-key.hex'), join(folder, 'away'));
    await expect(openMarkingKeys(folder)).rejects.toThrow(
      /watermark-key\.hex: it is missing; put it back from a backup/,
    );
    await writeFile(join(path, 'watermark-key.hex'), 'short', { mode: 0o600 });
    await expect(openMarkingKeys(folder)).rejects.toThrow('64 lower-case hex digits are allowed');
    await rename(join(folder, 'away'), join(path, 'watermark-key.hex'));
    await chmod(join(path, 'leaf-key.pem'), 0o644);
    await expect(openMarkingKeys(folder)).rejects.toThrow('others than its owner may use it (mode 644)');
    await chmod(join(path, 'leaf-key.pem'), 0o600);
    await writeFile(join(path, 'leaf-key.pem'), (await readFile(join(path, 'leaf-key.pem'), 'utf8')).slice(0, 90));
    const error = await openMarkingKeys(folder).catch(cause => cause);
    expect(error).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('the private key cannot'),
    });
  });

  test('are not made anew because their folder is gone once videos were marked, but where an empty one says so', async () => {
    const used = async () => true;
    const { keys, path } = await openMarkingKeys(folder, async () => false);
    await rename(path, join(folder, 'away'));
    const error = await openMarkingKeys(folder, used).catch(cause => cause);
    expect(error).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('marking: it is missing, and videos were marked with its keys; put it back'),
    });
    expect(await readdir(folder)).toEqual(['away']);
    await rename(join(folder, 'away'), path);
    expect((await openMarkingKeys(folder, used)).keys.tag).toBe(keys.tag);
    await rm(path, { recursive: true });
    await mkdir(path);
    expect((await openMarkingKeys(folder, used)).isNew).toBe(true);
  });
});

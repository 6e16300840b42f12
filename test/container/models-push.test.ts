import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCachedBundle } from '#gpu-container/bundles/fetch-bundle.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { cli } from '#test/local/server-process.ts';

const push = (to: string, ...more: string[]) => cli(['models', 'push', ...more, '--to', to], {});

describe('reelay models push', () => {
  test('puts a model into a folder, says the setting that fetches it, and leaves out what is there', async () => {
    const share = await mkdtemp(join(tmpdir(), 'reelay-push-'));
    onTestFinished(() => rm(share, { recursive: true, force: true }));
    const first = await push(share, 'reelay-mini');
    expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/pushed {2}bundle\.json\n$/) });
    const [, id, digest, manifest] =
      /^REELAY_BUNDLE_DIGESTS=(.+)=([0-9a-f]{64}):([0-9a-f]{64})$/m.exec(first.stdout) ?? [];
    expect(id).toBe('reelay-mini');
    expect(await readdir(join(share, 'bundles'))).toEqual([digest]);
    expect(JSON.parse((await push(share, 'reelay-mini', '--json')).stdout)).toMatchObject({ put: 0, to: share });
    const opened = await openCachedBundle({
      id: 'reelay-mini',
      digest: digest ?? '',
      manifest,
      source: createFolderObjects(share),
      cache: { folder: join(share, 'cache') },
      signal: new AbortController().signal,
    });
    expect(opened.cached).toBe(false);
  });

  test.each([
    ['s3://bucket/with/path', 'reelay-mini', '--to: got "s3://bucket/with/path"; s3://bucket without a path'],
    ['https://example.org', 'reelay-mini', '--to: got "https://example.org"; s3://bucket and a folder are allowed.'],
    ['/tmp', 'none', 'There is no model "none"; there are: reelay-mini.'],
  ])('to %s of %s is refused in a sentence', async (to, id, sentence) => {
    expect(await push(to, id)).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) });
  });
});

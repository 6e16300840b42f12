import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { undecided } from '#core/governance/gate.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { openWorkerBundles } from '#gpu-container/bundles/worker-bundles.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { watchBundles } from '#gpu-container/worker/watch-bundles.ts';
import { RENDER_CHILD } from '#local/local-worker.ts';
import { requestOf } from '#test/render/child.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';

const MODEL = join(import.meta.dirname, '..', '..', 'models', 'reelay-mini');

test('a fetched bundle that rots on the disk fails no job for good, leaves the cache, and comes anew', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelay-rotten-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const source = createFolderObjects(join(root, 'share'));
  const { id, digest } = await pushBundle(MODEL, source);
  const open = () =>
    openWorkerBundles({
      ...{ folders: new Map(), digests: new Map([[id, digest]]), source, cache: { folder: join(root, 'cache') } },
      device: { provider: 'cpu', memoryBytes: 1e12 },
      governing: undecided,
      signal: new AbortController().signal,
      log: () => undefined,
    });
  const bundles = await open();
  const folder = bundles.folders.get(id)!;
  const graph = join(folder, 'transformer', 'model.onnx');
  const bytes = await readFile(graph);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(graph, bytes);

  const rotten: string[] = [];
  const rendering = createRenderer({ bundles: bundles.folders, threads: 1, childPath: RENDER_CHILD });
  const renderer = watchBundles(rendering, { fetched: bundles.fetched, onRotten: model => rotten.push(model) });
  onTestFinished(() => renderer.close());
  const never = new AbortController().signal;
  const task = {
    taskId: 't',
    request: requestOf(await readModelCard(folder), { seed: 1 }),
    folder: join(root, 'task'),
    marking: testMarking,
  };
  const watch = {
    ...{ signal: never, pause: never, onProgress: () => undefined, onCheckpoint: () => undefined },
    checkpoint: { everySteps: 0, everyMs: 0 },
    sign: markingKeys.signer.sign,
  };
  await expect(renderer.render(task, watch)).rejects.toMatchObject({ code: 'bundle_corrupt', retryable: true });
  expect(rotten).toEqual([id]);

  expect(await bundles.drop(id)).toBe(true);
  expect(await stat(folder).catch(() => 'gone')).toBe('gone');
  const again = await open();
  onTestFinished(() => again.release());
  bytes[bytes.length >> 1]! ^= 1;
  expect((await readFile(graph)).equals(bytes)).toBe(true);
});

test('a folder of the operator that is not whole fails its jobs, as it is said', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelay-rotten-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const bundles = await openWorkerBundles({
    ...{ folders: new Map([['reelay-mini', MODEL]]), digests: new Map(), source: undefined, cache: { folder: root } },
    device: { provider: 'cpu', memoryBytes: 1e12 },
    governing: undecided,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  expect([...bundles.fetched]).toEqual([]);
  expect(await bundles.drop('reelay-mini')).toBe(false);
  expect((await stat(MODEL)).isDirectory()).toBe(true);
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ModelCard } from '#core/models.ts';
import { folderBytes, machineMemoryBytes, residentBytes } from '#gpu-container/worker/machine-memory.ts';
import { createRenderer, type Renderer, type RendererOptions } from '#gpu-container/worker/renderer.ts';
import { requestOf } from '../render/child.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { markingKeys, testMarking } from './marks-for.ts';

const COUNTED = resolve(import.meta.dirname, '..', 'fixtures', 'render-children', 'counted.ts');
const MODELS = ['a', 'b', 'c'] as const;

let models: string;
let folder: string;
let renderer: Renderer;
const cards = new Map<string, ModelCard>();
let bytes: number;

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'reelay-pool-models-'));
  for (const id of MODELS) cards.set(id, await writeFastBundle(join(models, id), { id }));
  bytes = await folderBytes(join(models, 'a'));
  return () => rm(models, { recursive: true });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-pool-'));
  process.env.RENDER_STARTS = join(folder, 'starts');
  await writeFile(process.env.RENDER_STARTS, '');
});
afterEach(async () => {
  await renderer.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (more: Partial<RendererOptions> = {}) => {
  const bundles = new Map(MODELS.map(id => [id, join(models, id)]));
  renderer = createRenderer({ bundles, threads: 1, childPath: COUNTED, ...more });
};
let tasks = 0;
const render = (model: string, steps = 1, signal = new AbortController().signal) => {
  const taskId = `task-${tasks++}`;
  const request = requestOf(cards.get(model)!, { num_inference_steps: steps });
  const watch = {
    signal,
    pause: new AbortController().signal,
    onProgress: () => undefined,
    onCheckpoint: () => undefined,
    checkpoint: { everySteps: 0, everyMs: 0 },
    sign: markingKeys.signer.sign,
  };
  return renderer.render({ taskId, folder: join(folder, taskId), request, marking: testMarking }, watch);
};
/** What was started so far, in order. */
const starts = async () =>
  (await readFile(join(folder, 'starts'), 'utf8'))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map(line => ({ pid: Number(line.split(' ')[0]), model: basename(line.split(' ')[1]!) }));
const started = async () => (await starts()).map(child => child.model).join('');
const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
/** Waits for what happens in the background. */
const until = async (holds: () => Promise<boolean>) => {
  for (let looks = 0; looks < 200 && !(await holds()); looks++) await sleep(25);
  expect(await holds()).toBe(true);
};

describe('bundles that fit beside one another', () => {
  test('stay loaded while tasks alternate', async () => {
    open({ loadedBytes: 2 * bytes + 100 });
    for (const model of ['a', 'b', 'a', 'b', 'b', 'a']) expect((await render(model)).outcome).toBe('done');
    expect(await started()).toBe('ab');
  });

  test('render at the same time, each in a child of its own', async () => {
    open();
    const outcomes = await Promise.all([render('a', 20), render('b', 20), render('c', 20)]);
    expect(outcomes.map(one => one.outcome)).toEqual(['done', 'done', 'done']);
    expect((await started()).split('').sort().join('')).toBe('abc');
  });

  test('a model that is warmed and asked for at once is started once', async () => {
    open();
    renderer.warm('a');
    await render('a');
    renderer.warm('a');
    await render('a');
    expect(await started()).toBe('a');
  });
});

describe('bundles that do not fit', () => {
  test('make room by ending the least recently used, and only as many as need be', async () => {
    open({ loadedBytes: 2 * bytes + 100 });
    for (const model of ['a', 'b', 'a', 'c', 'a', 'b']) await render(model);
    expect(await started()).toBe('abcb'); // c took the place of b, then b that of c
    const [a, b, c] = await starts();
    expect([a, b, c].map(child => isRunning(child!.pid))).toEqual([true, false, false]);
  });

  test('one that is larger than the limit has it to itself', async () => {
    open({ loadedBytes: 10 });
    for (const model of ['a', 'a', 'b', 'a']) await render(model);
    expect(await started()).toBe('aba');
  });

  test('never end a child that renders: it stays beside the one that comes', async () => {
    open({ loadedBytes: bytes + 100 });
    const long = render('a', 50);
    await until(async () => (await started()) === 'a');
    expect((await render('b')).outcome).toBe('done');
    expect((await long).outcome).toBe('done');
    expect(await started()).toBe('ab');
    await render('b'); // idle now, a may go, but nothing needs its room
    await render('c');
    const [a, b] = await starts();
    expect([a, b].map(child => isRunning(child!.pid))).toEqual([false, false]);
  });

  test('are not warmed in the place of one that is loaded', async () => {
    open({ loadedBytes: bytes + 100 });
    await render('a');
    renderer.warm('b');
    await render('a');
    expect(await started()).toBe('a');
  });
});

describe('a child', () => {
  test('is replaced after so many tasks, behind their backs', async () => {
    open({ tasksPerChild: 2 });
    for (let i = 0; i < 5; i++) expect((await render('a')).outcome).toBe('done');
    await until(async () => (await started()) === 'aaa');
    const running = (await starts()).map(child => isRunning(child.pid));
    expect(running).toEqual([false, false, true]);
  });

  test('is replaced when it has grown too large', async () => {
    open({ childBytes: 1 });
    await render('a');
    await until(async () => (await started()) === 'aa');
    await renderer.close();
    open({ childBytes: machineMemoryBytes() });
    await render('a');
    await render('a');
    expect(await started()).toBe('aaa');
  });

  test('that died while idle leaves its room, and the next task starts another', async () => {
    open({ loadedBytes: 2 * bytes + 100 });
    await render('a');
    await render('b');
    process.kill((await starts())[0]!.pid, 'SIGKILL');
    await until(async () => !isRunning((await starts())[0]!.pid));
    await render('c'); // in the place of the dead a: b stays
    await render('b');
    expect(await started()).toBe('abc');
  });

  test('that does not load is told by its bundle, and asked again when the bundle is mended', async () => {
    const scheduler = join(models, 'b', 'scheduler', 'scheduler_config.json');
    const good = await readFile(scheduler);
    await writeFile(scheduler, '{}');
    open();
    await expect(render('b')).rejects.toMatchObject({ code: 'bundle_corrupt' });
    await writeFile(scheduler, good);
    expect((await render('b')).outcome).toBe('done');
    expect(await started()).toBe('bb');
  });

  test('whose bundle is another than the one on offer renders nothing, and says that a restart is needed', async () => {
    const digests = new Map(MODELS.map(id => [id, cards.get(id)!.digest]));
    open({ digests });
    expect((await render('a')).outcome).toBe('done');
    await renderer.close();
    open({ digests: digests.set('a', 'f'.repeat(64)) });
    const refused = { code: 'bundle_corrupt', message: expect.stringContaining('have changed since this process') };
    await expect(render('a')).rejects.toMatchObject(refused);
    await expect(render('a')).rejects.toMatchObject(refused);
    await until(async () => !(await starts()).slice(1).some(child => isRunning(child.pid)));
    expect((await render('b')).outcome).toBe('done');
  });

  test('is ended by close, and none is started after it', async () => {
    open({ tasksPerChild: 1 });
    await render('a');
    await renderer.close();
    await expect(render('a')).rejects.toMatchObject({ code: 'renderer_lost' });
    expect((await starts()).map(child => isRunning(child.pid))).not.toContain(true);
  });
});

test('memory is read where the system tells it', async () => {
  expect(machineMemoryBytes()).toBeGreaterThan(1e8);
  const own = await residentBytes(process.pid);
  if (process.platform === 'linux') expect(own).toBeGreaterThan(1e7);
  expect(await residentBytes(2 ** 22 + 1)).toBeUndefined();
  expect(await folderBytes(join(models, 'nowhere'))).toBe(0);
});

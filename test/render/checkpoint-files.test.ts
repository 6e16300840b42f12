import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeCheckpoint, type RunState } from '#gpu-container/engine/checkpoint.ts';
import { createTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { createCheckpoints } from '#gpu-container/render/checkpoint-files.ts';
import type { CheckpointFile, CheckpointRule } from '#gpu-container/render/protocol.ts';

const at = (step: number): RunState => ({
  step,
  steps: 50,
  scheduler: { index: step, sample: Float32Array.of(step, -step), history: [], scalars: {} },
  rng: createTorchRng(1).save(),
  cache: null,
});

async function open(rule: CheckpointRule) {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-checkpoints-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [written, failed]: [CheckpointFile[], string[]] = [[], []];
  let nowMs = 1_000;
  const checkpoints = createCheckpoints({
    folder: join(folder, 'made', 'by it'),
    rule,
    bundleDigest: 'a'.repeat(64),
    requestHash: 'b'.repeat(64),
    nowMs: () => nowMs,
    onWritten: file => void written.push(file),
    onFailed: (step, error) => void failed.push(`${step} ${(error as NodeJS.ErrnoException).code}`),
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const stepsWritten = () => written.map(file => file.step);
  return { checkpoints, folder: join(folder, 'made', 'by it'), pass, stepsWritten, written, failed };
}

describe('a checkpoint is written', () => {
  test('so many steps after the last', async () => {
    const { checkpoints, stepsWritten } = await open({ everySteps: 3, everyMs: 0 });
    for (let step = 0; step <= 10; step++) checkpoints.reached(at(step));
    expect(stepsWritten()).toEqual([3, 6, 9]);
  });

  test('so long after the last', async () => {
    const { checkpoints, stepsWritten, pass } = await open({ everySteps: 0, everyMs: 100 });
    for (let step = 0; step <= 10; step++, pass(40)) checkpoints.reached(at(step));
    expect(stepsWritten()).toEqual([3, 6, 9]);
  });

  test('by whichever comes first, counted from the last of any kind', async () => {
    const { checkpoints, stepsWritten, pass } = await open({ everySteps: 4, everyMs: 100 });
    for (let step = 0; step <= 12; step++) {
      checkpoints.reached(at(step));
      if (step >= 5) pass(60);
    }
    expect(stepsWritten()).toEqual([4, 7, 9, 11]);
  });

  test('never with both rules off, nor for the state that a run resumed from', async () => {
    const off = await open({ everySteps: 0, everyMs: 0 });
    for (let step = 0; step <= 10; step++, off.pass(1e9)) off.checkpoints.reached(at(step));
    expect(off.stepsWritten()).toEqual([]);
    const resumed = await open({ everySteps: 1, everyMs: 1 });
    expect(resumed.checkpoints.save()).toBeNull();
    resumed.checkpoints.reached(at(7));
    expect(resumed.checkpoints.save()).toBeNull();
    resumed.checkpoints.reached(at(8));
    expect(resumed.stepsWritten()).toEqual([8]);
  });

  test('on demand, once a state', async () => {
    const { checkpoints, stepsWritten } = await open({ everySteps: 0, everyMs: 0 });
    checkpoints.reached(at(0));
    checkpoints.reached(at(1));
    const file = checkpoints.save();
    expect(checkpoints.save()).toEqual(file);
    checkpoints.reached(at(2));
    expect(checkpoints.save()).toMatchObject({ step: 2 });
    expect(stepsWritten()).toEqual([1, 2]);
  });
});

describe('the files', () => {
  test('are what is said of them, and of the older ones one is kept', async () => {
    const { checkpoints, folder, written } = await open({ everySteps: 1, everyMs: 0 });
    for (let step = 0; step <= 5; step++) checkpoints.reached(at(step));
    expect((await readdir(folder)).sort()).toEqual(['checkpoint-4.bin', 'checkpoint-5.bin']);
    for (const { path, step, bytes, sha256 } of written.slice(-2)) {
      const data = await readFile(path);
      expect([data.length, createHash('sha256').update(data).digest('hex')]).toEqual([bytes, sha256]);
      expect(decodeCheckpoint(data)).toEqual({
        ...at(step),
        bundleDigest: 'a'.repeat(64),
        requestHash: 'b'.repeat(64),
      });
    }
  });

  test('of a full disk are told once a state; the one before stays and the next is tried again', async () => {
    const { checkpoints, folder, stepsWritten, failed } = await open({ everySteps: 1, everyMs: 0 });
    checkpoints.reached(at(0));
    checkpoints.reached(at(1));
    await symlink('/dev/full', join(folder, 'checkpoint-2.bin.part')); // every write to it is ENOSPC
    checkpoints.reached(at(2));
    expect(checkpoints.save()).toMatchObject({ step: 1 });
    expect(failed).toEqual(['2 ENOSPC']);
    expect(await readdir(folder)).toEqual(['checkpoint-1.bin']);
    checkpoints.reached(at(3));
    expect(stepsWritten()).toEqual([1, 3]);
  });
});

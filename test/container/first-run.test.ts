import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openModel } from '#gpu-container/render/model.ts';
import { type RanNode, whyPartlyElsewhere } from '#gpu-container/runtime/first-run.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { kill, startChild } from '#gpu-container/worker/render-child.ts';

const MINI = join(import.meta.dirname, '..', '..', 'models', 'reelay-mini');
const ran = (operator: string, provider: 'CUDA' | 'CPU', ms = 1): RanNode => ({
  operator,
  provider: `${provider}ExecutionProvider`,
  ms,
});

describe('what a graph ran on', () => {
  test('is told of its first run, by ONNX Runtime itself, and leaves no file', async () => {
    const told: { name: string; nodes: readonly RanNode[] }[] = [];
    const own = await mkdtemp(join(tmpdir(), 'reelay-first-run-'));
    vi.stubEnv('TMPDIR', own); // where profiles are written
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await rm(own, { recursive: true, force: true });
    });
    const backend = createOrtBackend({ threads: 1, onFirstRun: (name, nodes) => told.push({ name, nodes }) });
    const model = await openModel(await loadBundle(MINI), backend);
    expect(await readdir(own)).not.toEqual([]); // being written
    await model.embed('a red circle');
    await model.embed('a blue square');
    await model.release();
    expect(told).toHaveLength(1);
    const { name, nodes } = told[0]!;
    expect(new Set(nodes.map(node => node.provider))).toEqual(new Set(['CPUExecutionProvider']));
    expect(nodes.every(node => node.ms >= 0) && nodes.some(node => node.ms > 0)).toBe(true);
    expect(whyPartlyElsewhere(name, 'cpu', nodes)).toBeUndefined();
    // Had CUDA been asked for, this would have been noticed.
    expect(whyPartlyElsewhere(name, 'cuda', nodes)).toMatch(
      /reelay-mini: text_encoder.*: cuda has no kernel for \d+ \w+.* which ran on the CPU; (\d+) of \1 nodes and 100 %/,
    );
    expect(await readdir(own)).toEqual([]);
  });

  test('is no matter where shapes are computed on the CPU', () => {
    const nodes = [ran('MatMul', 'CUDA'), ran('Shape', 'CPU'), ran('Gather', 'CPU'), ran('Concat', 'CPU')];
    expect(whyPartlyElsewhere('a graph', 'cuda', nodes)).toBeUndefined();
  });

  test('is told by the names of the heavy operators, with their share', () => {
    const nodes = [ran('MatMul', 'CUDA', 10), ran('Shape', 'CPU', 10), ran('Conv', 'CPU', 40), ran('Conv', 'CPU', 40)];
    expect(whyPartlyElsewhere('a graph', 'cuda', nodes)).toBe(
      "a graph: cuda has no kernel for 2 Conv, which ran on the CPU; 3 of 4 nodes and 90 % of the first run's time were there.",
    );
  });

  test('reaches the log of the worker from its render child', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-first-run-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const childPath = join(folder, 'child.mjs');
    const told = [
      { type: 'partly_elsewhere', why: 'a graph: cuda has no kernel' },
      { type: 'ready', digest: 'd' },
    ];
    await writeFile(childPath, `for (const said of ${JSON.stringify(told)}) process.send(said);`);
    const warnings: string[] = [];
    const child = startChild({ childPath, folder, threads: 1, onWarning: why => warnings.push(why) });
    expect(await child.ready).toBe('d');
    await kill(child);
    expect(warnings).toEqual(['a graph: cuda has no kernel']);
  });
});

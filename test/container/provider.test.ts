import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newReceiptKey } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import { whyUnfit } from '#core/provider.ts';
import { findCudaLibraries, unresolved } from '#gpu-container/runtime/cuda-libraries.ts';
import { nodesByProvider, whyElsewhere } from '#gpu-container/runtime/execution-provider.ts';
import { nodesOf } from '#gpu-container/runtime/first-run.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { parseGpu, readGpu } from '#gpu-container/worker/gpu-facts.ts';
import { createProviderGate } from '#gpu-container/worker/provider-gate.ts';
import { tryBundle } from '#gpu-container/worker/render-child.ts';
import { createRenderer, type Renderer } from '#gpu-container/worker/renderer.ts';
import { runProbe } from '#gpu-container/worker/run-probe.ts';
import { watchProvider } from '#gpu-container/worker/watch-provider.ts';
import { openEmbedded } from '#local/embedded.ts';
import { cli } from '#test/local/server-process.ts';
import { encodeGraph } from '#test/runtime/onnx-graph.ts';
import { smallBundle } from '#test/runtime/small-bundle.ts';
import { markingKeys, markingSettings, testMarking } from '#test/worker/marks-for.ts';
import { RENDER_CHILD } from '#test/worker/worker-bench.ts';

const PROBE_SOURCE = join(import.meta.dirname, '..', '..', 'gpu-container', 'runtime', 'provider-probe.ts');
const MINI = join(import.meta.dirname, '..', '..', 'models', 'reelay-mini');
/** On a machine with a GPU, test/container/gpu.sh is what shows the other half. */
const hasCuda = (await runProbe('cuda')).ok;
const folderFor = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-provider-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

describe('the probe', () => {
  test('runs its graph, and a profile of ONNX Runtime shows what on', async () => {
    const found = await runProbe('cpu');
    expect(found).toMatchObject({ ok: true, provider: 'cpu' });
    expect(Object.keys(found.ok ? found.ranOn : {})).toEqual(['CPUExecutionProvider']);
  });

  test.skipIf(hasCuda)('for CUDA on a machine without says what is missing and does not run on the CPU', async () => {
    const found = await runProbe('cuda');
    expect(found).toEqual({
      ok: false,
      provider: 'cuda',
      reason: expect.stringMatching(/^CUDA cannot be used: .+\.$/),
    });
    if (process.platform === 'linux' && process.arch === 'x64')
      expect(found.ok ? '' : found.reason).toContain('libonnxruntime_providers_cuda.so');
  });

  test('a probe that dies, hangs in silence or says something else is a refusal, not an answer', async () => {
    const folder = await folderFor();
    const program = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const dies = await program(
      'dies.mjs',
      'process.kill(process.pid, "SIGSEGV"); await new Promise(() => setTimeout(() => 0, 9000));',
    );
    expect(await runProbe('cuda', dies)).toMatchObject({ ok: false, reason: expect.stringContaining('SIGSEGV') });
    const silent = await program('silent.mjs', 'console.log("hello")');
    expect(await runProbe('cuda', silent)).toMatchObject({ ok: false, reason: expect.stringContaining('ended') });
  });

  test('its graph is the one that its comment tells of', async () => {
    const graph = encodeGraph({
      inputs: [{ name: 'x', type: 'float32', shape: [1, 1, 8, 8] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1, 1, 8, 8] }],
      nodes: [
        { op: 'Conv', inputs: ['x', 'w'], output: 'c' },
        { op: 'MatMul', inputs: ['c', 'c'], output: 'y' },
      ],
      weights: [{ name: 'w', shape: [1, 1, 1, 1], data: Float32Array.of(2) }],
    });
    expect(await readFile(PROBE_SOURCE, 'utf8')).toContain(`'${Buffer.from(graph).toString('base64')}'`);
  });
});

describe('a profile', () => {
  const eventsOf = (...providers: string[]) =>
    nodesOf(
      JSON.stringify([
        { cat: 'Session', name: 'model_run', args: {} },
        ...providers.map(provider => ({ cat: 'Node', name: 'a_kernel_time', args: { provider, op_name: 'MatMul' } })),
      ]),
    );

  test('tells nodes by provider, and one node elsewhere is one too many', () => {
    const both = nodesByProvider(eventsOf('CUDAExecutionProvider', 'CPUExecutionProvider', 'CUDAExecutionProvider'));
    expect(both).toEqual({ CUDAExecutionProvider: 2, CPUExecutionProvider: 1 });
    expect(whyElsewhere('cuda', both)).toBe(
      'nodes of the probe ran on CPUExecutionProvider, where CUDAExecutionProvider was asked for',
    );
    expect(whyElsewhere('cuda', nodesByProvider(eventsOf('CUDAExecutionProvider')))).toBeUndefined();
    expect(whyElsewhere('cuda', nodesByProvider(eventsOf()))).toContain('no node');
  });

  test.each(['', '{}', 'null', '[1,2', '"x"'])('%j is no profile, or one without nodes', text => {
    expect(() => nodesOf(text)).toThrow(RangeError);
  });
});

describe('asking for CUDA where there is none', () => {
  test.skipIf(hasCuda)('a session is refused and not opened on the CPU', async () => {
    const session = createOrtBackend({ threads: 1, provider: 'cuda' }).createSession(
      join(MINI, 'vae_decoder', 'model.onnx'),
      { name: 'decoder', knownInputs: {}, neededOutputs: [] },
    );
    await expect(session).rejects.toMatchObject({
      code: 'provider_unavailable',
      retryable: true,
      message: 'decoder: ONNX Runtime does not load this graph on CUDA here, and it is not run on the CPU instead.',
    });
  });

  test.skipIf(hasCuda)('a render child does not become ready, and its job may be tried elsewhere', async () => {
    const child = tryBundle({ childPath: RENDER_CHILD, folder: MINI, threads: 1, provider: 'cuda' });
    await expect(child).rejects.toMatchObject({ code: 'provider_unavailable', retryable: true });
  });

  test.skipIf(hasCuda)('the deployed worker ends with 3 and a sentence before it takes a job', () => {
    const env = {
      PATH: process.env.PATH,
      AWS_EC2_METADATA_DISABLED: 'true',
      REELAY_QUEUE_URL: 'http://127.0.0.1:9/queue',
      REELAY_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:9/dead',
      REELAY_TABLE: 'jobs',
      REELAY_BUCKET: 'bucket',
      REELAY_EVENT_BUS: 'bus',
      REELAY_BUNDLES: `reelay-mini=${MINI}`,
      REELAY_PROVIDER: 'cuda',
      REELAY_POOL: 'cloud-spot',
      REELAY_SITE: 'cloud',
      REELAY_REGION: 'us-east-1',
      REELAY_RECEIPT_KEY: newReceiptKey(),
      REELAY_MASTER_KEY: 'ab'.repeat(32),
      ...markingSettings,
    };
    const main = join(import.meta.dirname, '..', '..', 'gpu-container', 'main.ts');
    let status: number | null = 0;
    let stdout = '';
    try {
      execFileSync(process.execPath, [main], { env, encoding: 'utf8', timeout: 30_000, stdio: 'pipe' });
    } catch (error) {
      ({ status, stdout } = error as { status: number | null; stdout: string });
    }
    expect(status).toBe(3);
    const [line] = stdout.trim().split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({
      code: 'provider_unavailable',
      message: expect.stringMatching(/^CUDA cannot be used: .* This worker takes no jobs\.$/),
    });
  });
});

describe('what a bundle needs', () => {
  test('a bundle for a GPU does not load on the CPU, and the reason is said', async () => {
    const { folder, rewrite } = await smallBundle();
    await rewrite(manifest => Object.assign(manifest, { requires: { provider: 'cuda' } }));
    const child = tryBundle({ childPath: RENDER_CHILD, folder, threads: 1 });
    await expect(child).rejects.toMatchObject({
      code: 'provider_unavailable',
      message: 'The model "small" needs a CUDA GPU; this worker runs on the CPU (REELAY_PROVIDER=cpu).',
    });
  });

  test('a need that is not known is refused: it could not be kept', async () => {
    const { folder, rewrite } = await smallBundle();
    await rewrite(manifest => Object.assign(manifest, { requires: { fp8: true } }));
    const child = tryBundle({ childPath: RENDER_CHILD, folder, threads: 1 });
    await expect(child).rejects.toMatchObject({ code: 'bundle_invalid', message: expect.stringContaining('requires') });
  });

  test('memory is compared with the device that the graphs run on, where it is known', () => {
    const needs = { memoryBytes: 40e9 };
    expect(whyUnfit('wan', needs, { provider: 'cuda', memoryBytes: 24e9 })).toBe(
      'The model "wan" needs 40.0 GB of memory; the GPU has 24.0 GB.',
    );
    expect(whyUnfit('wan', needs, { provider: 'cuda', memoryBytes: 48e9 })).toBeUndefined();
    expect(whyUnfit('wan', needs, { provider: 'cuda', memoryBytes: undefined })).toBeUndefined();
    expect(whyUnfit('wan', needs, { provider: 'cpu', memoryBytes: 8e9 })).toContain('this machine has 8.0 GB');
    expect(whyUnfit('mini', undefined, { provider: 'cpu', memoryBytes: 1 })).toBeUndefined();
  });
});

describe('a worker whose provider is lost', () => {
  const failing = (code: 'provider_unavailable' | 'render_failed'): Renderer => ({
    render: async () => {
      throw new ReelayError(code, 'no');
    },
    warm: () => undefined,
    close: async () => undefined,
  });
  const watched = (renderer: Renderer, ok: boolean) => {
    const lost: string[] = [];
    const probe: typeof runProbe = async provider =>
      ok ? { ok, provider, ranOn: {}, ms: 1 } : { ok: false, provider, reason: 'CUDA cannot be used: it is gone.' };
    const watch = watchProvider(renderer, { provider: 'cuda', onLost: error => lost.push(error.message), probe });
    return { lost, render: () => watch.render({} as never, {} as never).catch(error => error.code) };
  };

  test('hears of it, and the job fails with the same code', async () => {
    const { lost, render } = watched(failing('provider_unavailable'), false);
    expect(await render()).toBe('provider_unavailable');
    expect(lost).toEqual(['CUDA cannot be used: it is gone. This worker ends.']);
  });

  test('goes on where only the one bundle does not load, and where something else failed', async () => {
    const bundle = watched(failing('provider_unavailable'), true);
    const other = watched(failing('render_failed'), false);
    expect([await bundle.render(), await other.render()]).toEqual(['provider_unavailable', 'render_failed']);
    expect([bundle.lost, other.lost]).toEqual([[], []]);
  });

  test.skipIf(hasCuda)('a renderer on CUDA really fails so', async () => {
    const renderer = createRenderer({
      bundles: new Map([['reelay-mini', MINI]]),
      threads: 1,
      provider: 'cuda',
      childPath: RENDER_CHILD,
    });
    onTestFinished(() => renderer.close());
    const never = new AbortController().signal;
    const task = {
      ...{ taskId: 't', request: { model: 'reelay-mini' } as never, folder: await folderFor() },
      marking: testMarking,
    };
    const rendering = renderer.render(task, {
      signal: never,
      pause: never,
      onProgress: () => undefined,
      onCheckpoint: () => undefined,
      checkpoint: { everySteps: 0, everyMs: 0 },
      sign: markingKeys.signer.sign,
    });
    await expect(rendering).rejects.toMatchObject({ code: 'provider_unavailable' });
  });
});

describe('the worker of a data folder', () => {
  test('takes no job until its GPU is there, and asks again after it was lost', async () => {
    let there = false;
    const asked: string[] = [];
    const gate = createProviderGate('cuda', async provider => {
      asked.push(provider);
      return there ? { ok: true, provider, ranOn: {}, ms: 1 } : { ok: false, provider, reason: 'It is not there.' };
    });
    expect([await gate.whyNot(), await gate.whyNot()]).toEqual(['It is not there.', 'It is not there.']);
    there = true;
    expect([await gate.whyNot(), await gate.whyNot()]).toEqual([undefined, undefined]);
    there = false;
    gate.lost();
    expect(await gate.whyNot()).toBe('It is not there.');
    expect(asked).toHaveLength(4);
    expect(await createProviderGate('cpu', async () => Promise.reject(new Error('asked'))).whyNot()).toBeUndefined();
  });

  test('offers only what it can render: a bundle for a GPU is refused at the start of a server on the CPU', async () => {
    const { folder, rewrite } = await smallBundle();
    await rewrite(manifest => Object.assign(manifest, { requires: { provider: 'cuda' } }));
    const modelsFolder = join(folder, '..');
    const open = async (provider: 'cpu' | 'cuda') => {
      const embedded = await openEmbedded({ dataFolder: await folderFor(), modelsFolder, provider });
      await embedded.close();
      return embedded;
    };
    const cpu = await open('cpu');
    expect(cpu.bundles).toEqual([]);
    expect(cpu.refused.map(({ error }) => error.message)).toEqual([
      'The model "small" needs a CUDA GPU; this worker runs on the CPU (REELAY_PROVIDER=cpu).',
    ]);
    expect((await open('cuda')).bundles.map(bundle => bundle.card.id)).toEqual(['small']);
  });

  test('cannot be given a model that it cannot render', async () => {
    const { folder, rewrite } = await smallBundle();
    await rewrite(manifest => Object.assign(manifest, { requires: { memoryBytes: 900_000_000_000_000 } }));
    const added = await cli(['models', 'add', folder, '--yes', '--no-try'], { REELAY_DATA: await folderFor() });
    expect(added).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('needs 900000.0 GB of memory; this machine'),
    });
  });
});

describe('what is known of a GPU', () => {
  test('the driver is asked and its line read', async () => {
    expect(parseGpu('NVIDIA L40S, 570.86.15, 46068, 512\n')).toEqual({
      name: 'NVIDIA L40S',
      driver: '570.86.15',
      memoryBytes: 46_068 * 1_048_576,
      usedBytes: 512 * 1_048_576,
    });
    expect(parseGpu('NVIDIA-SMI has failed')).toBeUndefined();
    expect(await readGpu('/nowhere/nvidia-smi')).toBeUndefined();
  });

  test('missing libraries are named, the provider’s own first', async () => {
    expect(await findCudaLibraries(await folderFor())).toMatchObject({
      missing: ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'],
    });
    expect(unresolved('\tlibcudnn.so.9 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n')).toEqual([
      'libcudnn.so.9',
    ]);
  });
});

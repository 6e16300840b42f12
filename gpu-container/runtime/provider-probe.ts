/**
 * @file Whether a provider really runs graphs on this machine: a small graph is run on it alone, with the CPU forbidden as a stand-in, and
 * ONNX Runtime's profile has to say that every node ran there. Blocks the event loop, and a broken driver may take the process down:
 * worker/run-probe.ts runs it in a process of its own.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { Provider, ProviderProbe } from '#core/provider.ts';
import { findCudaLibraries } from './cuda-libraries.ts';
import { executionProviders, nodesByProvider, whyElsewhere } from './execution-provider.ts';
import { nodesOf } from './first-run.ts';
import { loadOrt } from './load-ort.ts';

/**
 * y = MatMul(c, c), c = Conv(x, w), float32 [1, 1, 8, 8], w = 2: a convolution asks for cuDNN and a product for cuBLAS, which are
 * loaded on first use. test/container/provider.test.ts says how these bytes were made.
 */
const GRAPH = Buffer.from(
  'CAg6hwEKEgoBeAoBdxIBYxoBYyIEQ29udgoUCgFjCgFjEgF5GgF5IgZNYXRNdWwSDGhhbmQtd3JpdHRlbioTCAEIAQgBCAEQAUIBd0oEAAAAQFobCgF4EhYKFAgBEhAKAggBCgIIAQoCCAgKAggIYhsKAXkSFgoUCAESEAoCCAEKAggBCgIICAoCCAhCAhAR',
  'base64',
);
const DIMS: readonly number[] = [1, 1, 8, 8];
/** Every x is 1, so c is 2 and y is the sum of eight products of 2 and 2. */
const EXPECTED = 32;

/** Never rejects: what goes wrong is the answer. */
export async function probeProvider(provider: Provider): Promise<ProviderProbe> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'reelay-probe-')).catch(() => undefined);
  const refused = (reason: string): ProviderProbe => ({ ok: false, provider, reason });
  if (folder === undefined) return refused(`The folder for temporary files, ${tmpdir()}, cannot be written.`);
  try {
    const value = await runOnce(provider, join(folder, 'profile'));
    if (value !== EXPECTED) return refused(`${title(provider)} computed ${value} where ${EXPECTED} is right.`);
    const [name] = await readdir(folder);
    if (name === undefined) return refused('ONNX Runtime wrote no profile, so nothing shows what the probe ran on.');
    const ranOn = nodesByProvider(nodesOf(await readFile(join(folder, name), 'utf8')));
    const elsewhere = whyElsewhere(provider, ranOn);
    if (elsewhere !== undefined) return refused(`${title(provider)} cannot be used: ${elsewhere}.`);
    return { ok: true, provider, ranOn, ms: Math.round(performance.now() - started) };
  } catch (error) {
    return refused(await whyFailed(provider, error));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOnce(provider: Provider, profileFilePrefix: string): Promise<number | undefined> {
  const { InferenceSession, Tensor } = await loadOrt();
  const session = (await InferenceSession.create(new Uint8Array(GRAPH), {
    executionProviders: executionProviders(provider),
    enableProfiling: true,
    profileFilePrefix,
    logSeverityLevel: 4, // what it would log comes back as the error
    // The graph must run where it was asked to, whole or not at all.
    ...(provider !== 'cpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  })) as InferenceSession & { endProfiling(): void };
  try {
    const size = DIMS.reduce((product, dim) => product * dim, 1);
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(size).fill(1), DIMS) });
    session.endProfiling();
    return y?.data[0] as number | undefined;
  } finally {
    await session.release();
  }
}

/** The missing library where one can be named, else ONNX Runtime's own first line. */
async function whyFailed(provider: Provider, error: unknown): Promise<string> {
  const said = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 300);
  if (provider === 'cpu') return `The CPU cannot be used: ONNX Runtime does not run here (${said}).`;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `CUDA cannot be used: ONNX Runtime brings it for Linux on x64 only, and this is ${process.platform}-${process.arch}.`;
  const { missing } = await findCudaLibraries();
  if (missing.length > 0)
    return `CUDA cannot be used: ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing.`;
  return `CUDA cannot be used: ${said}.`;
}

const title = (provider: Provider) => (provider === 'cuda' ? 'CUDA' : 'The CPU');

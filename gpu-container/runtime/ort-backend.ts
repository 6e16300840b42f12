import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { ReelayError } from '#core/errors.ts';
import type { Provider } from '#core/provider.ts';
import type { Tensor } from '#gpu-container/engine/tensor.ts';
import type { Backend, KnownInput, Session, SessionOptions, TensorInfo } from './backend.ts';
import { executionProviders } from './execution-provider.ts';
import { type FirstRun, type RanNode, watchFirstRun } from './first-run.ts';
import { loadOrt, type Ort } from './load-ort.ts';

/** Version and execution providers, in one line; rejects where the library does not load. */
export async function describeRuntime(): Promise<string> {
  const { env, listSupportedBackends } = await loadOrt();
  const providers = listSupportedBackends().map(backend => backend.name);
  return `${env.versions.node ?? env.versions.common} (${providers.join(', ')})`;
}

/** How graphs are run. */
export interface OrtOptions {
  /** Of one inference; 1 or more. */
  readonly threads: number;
  /** cpu where it is not said. A session that cannot be had on cuda is `provider_unavailable`, never one on the CPU. */
  readonly provider?: Provider;
  /** For measurements: milliseconds that the library took for one run, conversions of ours not included. */
  readonly onRun?: ((name: string, ms: number) => void) | undefined;
  /** Told once for each graph, after its first run, what its nodes ran on; that run is profiled, which costs it some time. */
  readonly onFirstRun?: ((name: string, nodes: readonly RanNode[]) => void) | undefined;
}

/**
 * ONNX Runtime, set so that on the CPU the same build gives the same bits: nodes in order, a fixed number of threads in each (sums are
 * split by thread, so another count may give other last bits).
 */
export function createOrtBackend(options: OrtOptions): Backend {
  const { threads, onRun, onFirstRun, provider = 'cpu' } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new RangeError(`threads: got ${threads}; 1 or more are allowed.`);
  return {
    async createSession(path, wanted) {
      const ort = await loadOrt();
      const first = onFirstRun && (await watchFirstRun());
      const session = await ort.InferenceSession.create(path, {
        ...first?.options,
        executionProviders: executionProviders(provider),
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3, // errors only: its warnings about folded casts would fill the log of every start
        extra: { session: { intra_op: { allow_spinning: '0' } } }, // idle threads must leave the cores to the encoder
      }).catch(async cause => {
        await first?.drop();
        throw notLoaded(provider, wanted.name, cause);
      });
      try {
        const wrapped = wrap(ort, session, wanted, onRun);
        return first === undefined
          ? wrapped
          : tellFirstRun(wrapped, session, first, nodes => onFirstRun?.(wanted.name, nodes));
      } catch (error) {
        await session.release();
        await first?.drop();
        throw error;
      }
    },
  };
}

/** The same session; `tell` hears of its first run that ends well. */
function tellFirstRun(
  session: Session,
  raw: InferenceSession,
  first: FirstRun,
  tell: (nodes: readonly RanNode[]) => void,
): Session {
  let pending: FirstRun | undefined = first;
  return {
    ...session,
    async run(feeds) {
      const results = await session.run(feeds);
      const own = pending;
      pending = undefined;
      const nodes = await own?.read(raw);
      if (nodes !== undefined) tell(nodes);
      return results;
    },
    async release() {
      await session.release(); // ends a profile that was not read
      await pending?.drop();
    },
  };
}

/**
 * On the CPU a graph that does not load never will. On a GPU it may be the driver, a library or memory as well, so that another machine
 * may load it; the worker's probe tells which, and the job's third failure ends it in any case.
 */
function notLoaded(provider: Provider, name: string, cause: unknown): ReelayError {
  if (provider === 'cpu')
    return new ReelayError('bundle_invalid', `${name}: ONNX Runtime does not load this graph.`, { cause });
  return new ReelayError(
    'provider_unavailable',
    `${name}: ONNX Runtime does not load this graph on CUDA here, and it is not run on the CPU instead.`,
    { cause },
  );
}

function wrap(ort: Ort, session: InferenceSession, wanted: SessionOptions, onRun: OrtOptions['onRun']): Session {
  const inputs = session.inputMetadata.map(info => describe(info, wanted.name));
  const outputs = session.outputMetadata.map(info => describe(info, wanted.name));
  for (const input of inputs) {
    const known = Object.hasOwn(wanted.knownInputs, input.name) ? wanted.knownInputs[input.name] : undefined;
    if (known === undefined || !accepts(input.shape, known.dims))
      throw new ReelayError(
        'bundle_invalid',
        `${wanted.name}: input ${shown(input.name, input.type, input.shape)} cannot be fed; known here: ${Object.entries(
          wanted.knownInputs,
        )
          .map(([name, one]) => shown(name, one.type, one.dims))
          .join(', ')}.`,
      );
  }
  const fetches = wanted.neededOutputs.map(name => ({ name, own: outputNamed(outputs, name, wanted) }));
  const ownNames = fetches.map(({ own }) => own);
  return {
    inputs,
    outputs,
    async run(feeds) {
      const given: Record<string, OrtTensor> = {};
      for (const input of inputs) given[input.name] = toOrt(ort, wanted.name, input, feeds[input.name]);
      const started = performance.now();
      const raw = await session.run(given, ownNames);
      onRun?.(wanted.name, performance.now() - started);
      const results: Record<string, Tensor> = {};
      for (const { name, own } of fetches) results[name] = fromOrt(raw[own] as OrtTensor);
      return results;
    },
    release: () => session.release(),
  };
}

/** The graph's own name of an output; where one is needed, a graph with one output may call it as it likes. */
function outputNamed(outputs: readonly TensorInfo[], name: string, wanted: SessionOptions): string {
  const found = outputs.find(output => output.name === name);
  const output = found ?? (outputs.length === 1 && wanted.neededOutputs.length === 1 ? outputs[0] : undefined);
  if (output?.type !== 'float32')
    throw new ReelayError(
      'bundle_invalid',
      `${wanted.name}: output ${name} (float32) is missing; the graph has ${outputs.map(o => o.name).join(', ')}.`,
    );
  return output.name;
}

/** Free sizes take anything; fixed ones only what is always fed, or what is not known yet. */
function accepts(shape: TensorInfo['shape'], dims: KnownInput['dims']): boolean {
  if (shape.length === 0 && dims.length === 1 && dims[0] === 1) return true; // a scalar, as torch's one timestep
  return (
    shape.length === dims.length &&
    shape.every((size, i) => typeof size === 'string' || dims[i] === undefined || size === dims[i])
  );
}

const shown = (name: string, type: string, dims: readonly (number | string | null | undefined)[]) =>
  `${name} (${type} [${dims.map(size => size ?? 'any').join(', ')}])`;

function describe(info: InferenceSession.ValueMetadata, name: string): TensorInfo {
  if (!info.isTensor || (info.type !== 'float32' && info.type !== 'int64' && info.type !== 'int32')) {
    const type = info.isTensor ? info.type : 'no tensor';
    throw new ReelayError(
      'bundle_invalid',
      `${name}: ${info.name} is ${type}; float32, int64 and int32 are allowed at the edges.`,
    );
  }
  return { name: info.name, type: info.type, shape: info.shape };
}

function toOrt(ort: Ort, graph: string, input: TensorInfo, tensor: Tensor | undefined): OrtTensor {
  const { name, type, shape } = input;
  if (tensor === undefined) throw new TypeError(`session: input ${name} was not fed.`);
  const dims = shape.length === 0 && tensor.data.length === 1 ? [] : tensor.dims;
  if (shape.length !== dims.length || shape.some((size, i) => typeof size === 'number' && size !== dims[i]))
    throw new ReelayError(
      'bundle_invalid',
      `${graph}: ${name} would be fed [${dims.join(', ')}], but the graph was exported for [${shape.join(', ')}].`,
    );
  if (type === 'int32')
    return new ort.Tensor('int32', Int32Array.from(tensor.data as Iterable<number | bigint>, Number), dims);
  if (type === 'int64')
    return new ort.Tensor('int64', tensor.type === 'int64' ? tensor.data : toIntegers(tensor.data), dims);
  return new ort.Tensor(
    'float32',
    tensor.type === 'float32' ? tensor.data : Float32Array.from(tensor.data, Number),
    dims,
  );
}

/** Toward zero, as torch's `.to(int64)`. */
const toIntegers = (values: Float32Array) => BigInt64Array.from(values, value => BigInt(Math.trunc(value)));

/** Outputs are floats: outputNamed has seen to it. */
function fromOrt({ dims, data }: OrtTensor): Tensor {
  if (!(data instanceof Float32Array)) throw new TypeError('session: an output is not float32.');
  return { type: 'float32', data, dims };
}

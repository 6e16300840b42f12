/**
 * @file What a session's nodes really ran on, read off ONNX Runtime's profile of its first run: its binding for Node tells it in no other
 * way. Nodes that compute shapes belong on the CPU; one that computes pixels there waits for a copy in both directions, at every step.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { Provider } from '#core/provider.ts';
import { PROVIDER_NAMES } from './execution-provider.ts';

/** A node that ran. */
export interface RanNode {
  /** "MatMul" */
  readonly operator: string;
  /** ONNX Runtime's name of it: "CUDAExecutionProvider". */
  readonly provider: string;
  /** By the host's clock; of a kernel that a GPU runs meanwhile only the launch. */
  readonly ms: number;
}

/** Operators whose cost grows with the clip. None of them is needed to compute a shape. */
const HEAVY: ReadonlySet<string> = new Set([
  ...['Conv', 'ConvTranspose', 'FusedConv', 'NhwcConv', 'ConvInteger', 'QLinearConv'],
  ...['MatMul', 'Gemm', 'FusedMatMul', 'FusedGemm', 'MatMulInteger', 'MatMulNBits', 'QLinearMatMul', 'Einsum'],
  ...['Attention', 'MultiHeadAttention', 'GroupQueryAttention', 'PackedAttention', 'RotaryEmbedding'],
  ...['Softmax', 'LayerNormalization', 'SkipLayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization'],
  ...['InstanceNormalization', 'GroupNormalization', 'GroupNorm', 'BatchNormalization', 'Resize', 'GridSample'],
]);

/** More names nobody reads. */
const MAX_NAMES = 8;

/** What of a graph ran elsewhere than it was meant to and should not have, as a sentence; undefined: nothing heavy did. */
export function whyPartlyElsewhere(graph: string, provider: Provider, nodes: readonly RanNode[]): string | undefined {
  const elsewhere = nodes.filter(node => node.provider !== PROVIDER_NAMES[provider]);
  const counts = new Map<string, number>();
  for (const { operator } of elsewhere.filter(node => HEAVY.has(node.operator)))
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const names = [...counts].sort((a, b) => b[1] - a[1]).map(([operator, count]) => `${count} ${operator}`);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more operators` : '';
  const percent = Math.round((100 * total(elsewhere)) / Math.max(Number.MIN_VALUE, total(nodes)));
  return (
    `${graph}: ${provider} has no kernel for ${names.slice(0, MAX_NAMES).join(', ')}${more}, which ran on the CPU; ` +
    `${elsewhere.length} of ${nodes.length} nodes and ${percent} % of the first run's time were there.`
  );
}

const total = (nodes: readonly RanNode[]) => nodes.reduce((sum, { ms }) => sum + ms, 0);

/** The nodes of a profile: its events of the category Node that name a provider. Throws RangeError for what is no profile. */
export function nodesOf(profile: string): RanNode[] {
  let events: unknown;
  try {
    events = JSON.parse(profile);
  } catch (cause) {
    throw new RangeError('profile: it is not JSON.', { cause });
  }
  if (!Array.isArray(events)) throw new RangeError('profile: it is no list of events.');
  const all = events as { cat?: unknown; dur?: unknown; args?: { provider?: unknown; op_name?: unknown } }[];
  return all.flatMap(event => {
    const { provider, op_name: operator } = (event?.cat === 'Node' && event.args) || {};
    if (typeof provider !== 'string' || typeof operator !== 'string') return [];
    return [{ operator, provider, ms: Number(event.dur ?? 0) / 1000 }];
  });
}

/** A profile in the making: options to open a session with, and what is to be done after its first run. */
export interface FirstRun {
  readonly options: InferenceSession.SessionOptions;
  /** Ends the profile. Its nodes; undefined where there is none, which must not keep a clip from being made. */
  read(session: InferenceSession): Promise<RanNode[] | undefined>;
  /** Without a run. */
  drop(): Promise<void>;
}

/** undefined where a profile cannot be written. */
export async function watchFirstRun(): Promise<FirstRun | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-profile-')).catch(() => undefined);
  if (folder === undefined) return undefined;
  const drop = () => rm(folder, { recursive: true, force: true }).catch(() => undefined);
  return {
    options: { enableProfiling: true, profileFilePrefix: join(folder, 'profile') },
    drop,
    async read(session) {
      try {
        (session as InferenceSession & { endProfiling(): void }).endProfiling();
        const [name] = await readdir(folder);
        return name === undefined ? undefined : nodesOf(await readFile(join(folder, name), 'utf8'));
      } catch {
        return undefined;
      } finally {
        await drop();
      }
    },
  };
}

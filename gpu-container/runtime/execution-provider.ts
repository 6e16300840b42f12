/** @file How ONNX Runtime is told what to run graphs on, and how it is read off a profile what they really ran on. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Provider } from '#core/provider.ts';

/** ONNX Runtime's own name of each provider, as its profiles and errors have it. */
export const PROVIDER_NAMES: Readonly<Record<Provider, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
};

/**
 * The session option that names the provider. With cuda, ONNX Runtime throws where its libraries or a GPU are missing (1.30.0: "Failed
 * to load shared library"); the Python package's silent retry on the CPU does not exist in this binding. Nodes that CUDA has no kernel
 * for (computations of shapes) still run on the CPU beside it: that is how ONNX Runtime partitions a graph.
 */
export function executionProviders(provider: Provider): InferenceSession.ExecutionProviderConfig[] {
  return provider === 'cuda' ? [{ name: 'cuda', deviceId: 0 }] : ['cpu'];
}

/** Nodes by the provider that ran them. */
export function nodesByProvider(nodes: readonly { readonly provider: string }[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { provider } of nodes) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}

/** Why a run that was asked for on a provider does not count as one, by what ran where; undefined: all of it ran there. */
export function whyElsewhere(provider: Provider, ranOn: Readonly<Record<string, number>>): string | undefined {
  const name = PROVIDER_NAMES[provider];
  const others = Object.keys(ranOn).filter(one => one !== name);
  if (others.length > 0) return `nodes of the probe ran on ${others.join(', ')}, where ${name} was asked for`;
  return ranOn[name] === undefined ? `the profile names no node that ran on ${name}` : undefined;
}

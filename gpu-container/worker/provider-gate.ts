import type { Provider } from '#core/provider.ts';
import { runProbe } from './run-probe.ts';

/** Lets a worker that cannot be ended and replaced wait for its provider instead of failing job after job. */
export interface ProviderGate {
  /** Why no job should be taken now, as a sentence; undefined: graphs run on what was asked for. */
  whyNot(): Promise<string | undefined>;
  /** The provider has failed since: it is probed again before the next job. */
  lost(): void;
}

/** Probes on the first question and again after each refusal; the CPU, which is always there, is not probed. */
export function createProviderGate(provider: Provider, probe: typeof runProbe = runProbe): ProviderGate {
  let runs = provider === 'cpu';
  return {
    async whyNot() {
      if (runs) return undefined;
      const found = await probe(provider);
      runs = found.ok;
      return found.ok ? undefined : found.reason;
    },
    lost: () => {
      runs = provider === 'cpu';
    },
  };
}

import { ReelayError } from '#core/errors.ts';
import type { Provider } from '#core/provider.ts';
import { runProbe } from '#gpu-container/worker/run-probe.ts';

/** Throws `provider_unavailable` where a GPU was asked for and graphs do not really run on it. The CPU is always there. */
export async function needProvider(provider: Provider = 'cpu'): Promise<void> {
  if (provider === 'cpu') return;
  const probe = await runProbe(provider);
  if (!probe.ok) throw new ReelayError('provider_unavailable', `REELAY_PROVIDER: ${probe.reason}`);
}

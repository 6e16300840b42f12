import { placeOf, ReelayError } from '#core/errors.ts';
import { rareSweeps, type SweepPorts, sweeps } from '#core/jobs/sweeps.ts';
import { deliverDue } from '#core/webhooks/deliver.ts';
import type { DispatchPorts } from '#core/webhooks/ports.ts';
import { webhookLimits } from '#core/webhooks/webhook-limits.ts';
import type { Log } from './deps.ts';

/** What the schedule's function needs. */
export interface TickDeps {
  /** The ports of each residency class. */
  readonly sweep: readonly SweepPorts[];
  readonly dispatch: DispatchPorts;
  /** Sweeps ledgers and holds, with the jobs of all classes in reach. */
  readonly accounts: () => Promise<unknown>;
  /** Goes on with erasures that stopped, likewise. */
  readonly erasures: () => Promise<unknown>;
  readonly log: Log;
}

/**
 * What a schedule runs every minute, so that nothing owed waits for a worker while there is none: the sweeps, and the webhooks that are
 * due. One that fails does not keep the others; the function fails at the end, so that its alarm sees it.
 */
export function tick(deps: TickDeps): () => Promise<void> {
  const webhooks = () => deliverDue(deps.dispatch, webhookLimits.laneBatch);
  return async () => {
    let failure: unknown;
    const bound = deps.sweep.flatMap(ports =>
      Object.entries({ ...sweeps, ...rareSweeps }).map(([name, sweep]) => [name, () => sweep(ports)]),
    );
    for (const [name, act] of [
      ...bound,
      ['accounts', deps.accounts],
      ['erasures', deps.erasures],
      ['webhooks', webhooks],
    ] as [string, () => Promise<unknown>][])
      await act().catch(error => {
        failure ??= error;
        const code = error instanceof ReelayError ? error.code : 'internal';
        deps.log('error', 'sweep failed', { sweep: name, code, at: placeOf(error) });
      });
    if (failure !== undefined) throw failure;
  };
}

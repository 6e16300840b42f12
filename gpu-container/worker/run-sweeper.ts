import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { type ExpirePorts, expire } from '#core/jobs/expire.ts';
import { type LeasePorts, sweepLeases } from '#core/jobs/lease.ts';
import { type RelayPorts, sweepOutbox } from '#core/jobs/relay.ts';
import { limits } from '#core/limits.ts';
import type { WorkerPorts } from './process-job.ts';

/** What a sweeper needs: no renderer, so a server that only accepts jobs runs one too. */
export interface SweeperPorts extends RelayPorts, ExpirePorts, Pick<LeasePorts, 'ownerIsGone'> {
  readonly log: WorkerPorts['log'];
  /** Frees what dead processes of this machine held, where that can be known. */
  readonly recover?: () => void;
}

/** Until stopped, on a timer: frees what the dead held, sends what is owed, ends dead leases, removes deleted and expired jobs. */
export async function runSweeper(ports: SweeperPorts, stop: AbortSignal): Promise<void> {
  const sweeps = { recover: async () => ports.recover?.(), sweepOutbox, sweepLeases, expire };
  while (!stop.aborted) {
    for (const [name, sweep] of Object.entries(sweeps)) {
      await sweep(ports).catch(error => {
        const code = error instanceof ReelayError ? error.code : 'internal';
        ports.log('error', 'sweep failed', { sweep: name, code, at: placeOf(error) });
      });
      if (stop.aborted) return;
    }
    await sleep(limits.sweepEverySeconds * 1000, undefined, { signal: stop }).catch(() => undefined);
  }
}

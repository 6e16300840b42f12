import { placeOf, ReelayError } from '#core/errors.ts';
import { type LeasePorts, sweepLeases } from '#core/jobs/lease.ts';
import { rareSweeps, type SweepPorts, slowSweeps, sweeps } from '#core/jobs/sweeps.ts';
import { limits } from '#core/limits.ts';
import type { Clock } from './clock.ts';
import type { WorkerPorts } from './process-job.ts';

/** What a sweeper needs: no renderer, so a server that only accepts jobs runs one too. */
export interface SweeperPorts extends SweepPorts, Pick<Clock, 'sleep'>, Pick<LeasePorts, 'ownerIsGone' | 'leases'> {
  readonly log: WorkerPorts['log'];
  /** Frees what dead processes of this machine held, where that can be known. */
  readonly recover?: () => void;
  /** Whether the queue itself may bury messages, as SQS does; looking for those hides letters from people for a moment. */
  readonly queueBuries: boolean;
}

/**
 * Until stopped, on a timer: frees what the dead held, pays what is owed, ends dead leases and missed deadlines, sends lost messages
 * again, removes deleted and expired jobs and what keys and logs are over, and brings ledgers and jobs together.
 */
export async function runSweeper(ports: SweeperPorts, stop: AbortSignal): Promise<void> {
  const often = {
    recover: async () => ports.recover?.(),
    sweepLeases: () => sweepLeases(ports),
    ...bound(sweeps, ports),
  };
  const all = { ...often, ...bound(slowSweeps, ports), ...(ports.queueBuries ? bound(rareSweeps, ports) : {}) };
  for (let turn = 0; !stop.aborted; turn++) {
    for (const [name, sweep] of Object.entries(turn % limits.rareSweepTurns === 0 ? all : often)) {
      await sweep().catch(error => {
        const code = error instanceof ReelayError ? error.code : 'internal';
        ports.log('error', 'sweep failed', { sweep: name, code, at: placeOf(error) });
      });
      if (stop.aborted) return;
    }
    await ports.sleep(limits.sweepEverySeconds * 1000, stop);
  }
}

function bound(some: typeof sweeps, ports: SweeperPorts): Record<string, () => Promise<unknown>> {
  return Object.fromEntries(Object.entries(some).map(([name, sweep]) => [name, () => sweep(ports)]));
}

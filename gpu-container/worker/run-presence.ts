import { ReelayError } from '#core/errors.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { endPresence, type PresentWorker, tellPresence } from '#core/placement/presence.ts';
import type { KeyValueStore } from '#core/ports.ts';
import type { Clock } from './clock.ts';
import type { WorkerPorts } from './process-job.ts';

/** What telling that one is there needs. */
export interface PresencePorts extends Pick<Clock, 'now' | 'sleep'> {
  readonly kv: KeyValueStore;
  readonly log: WorkerPorts['log'];
}

/**
 * Until stopped, tells about once a minute that this worker is there, and takes that back at the end. A beat that fails is not repeated:
 * the next one comes before the entry is over. Never rejects, for no job needs it.
 */
export async function runPresence(
  ports: PresencePorts,
  worker: Omit<PresentWorker, 'v' | 'startedAtMs'>,
  stop: AbortSignal,
): Promise<void> {
  const told: PresentWorker = { v: 1, startedAtMs: ports.now(), ...worker };
  const failed = (what: string) => (error: unknown) =>
    ports.log('warn', what, { code: error instanceof ReelayError ? error.code : 'internal' });
  while (!stop.aborted) {
    await tellPresence(ports.kv, told, ports.now()).catch(failed('presence not told'));
    await ports.sleep(fleetLimits.presenceBeatSeconds * 1_000, stop);
  }
  await endPresence(ports.kv, told).catch(failed('presence not ended'));
}

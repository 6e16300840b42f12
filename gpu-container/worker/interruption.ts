/** Why an attempt was interrupted: what the record says of it, and which error that makes. */
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import type { WorkerPorts } from './process-job.ts';

/** Looks at a store that is out before the job is left to the watchers: about a minute in all. */
const STORE_WAITS = 8;

/** The record, for as long as a short outage takes: only then can the job be given back uncounted. undefined: the store is out for longer. */
export async function readAgain(
  ports: Pick<WorkerPorts, 'store' | 'sleep'>,
  id: string,
): Promise<{ job: Job | undefined } | undefined> {
  for (let waits = 0; ; waits++)
    try {
      return { job: await ports.store.load(id) };
    } catch {
      if (waits === STORE_WAITS) return undefined;
      await ports.sleep(Math.min(limits.backoffMostMs, limits.backoffFirstMs * 2 ** waits));
    }
}

/** A lease that nobody has taken was lost to the store being out, and that says nothing about the job. */
export function trueCause(known: ReelayError, readRecord: boolean): ReelayError {
  if (known.code !== 'lease_lost' || !readRecord) return known;
  return new ReelayError('store_unavailable', known.message, { cause: known });
}

/** What ends an attempt when the record shows another one. */
export function lost(cause: unknown): ReelayError {
  return new ReelayError('lease_lost', 'The job moved on.', { cause });
}

/** What a client may be told: an error that nobody foresaw becomes `internal`, with its cause inside. */
export function knownError(error: unknown): ReelayError {
  return error instanceof ReelayError ? error : new ReelayError('internal', 'The worker failed.', { cause: error });
}

/**
 * One request, one job, however often it is sent. A claim is a durable note "this key stands for that job id", written before the job:
 * whoever finds the note but no job makes the job under the id of the note, so a crash between the two leaves nothing half done and two
 * at once end with one job.
 */
import { ReelayError } from '../errors.ts';
import type { Job } from '../job.ts';
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';

/** What a key stands for. */
export interface Claim {
  readonly jobId: string;
  /** Hash of the parsed request that the key was first used with. */
  readonly fingerprint: string;
  /** Hash of the request as it was sent, where what it names may be gone when it is sent again. */
  readonly wire?: string;
  /** The job was deleted and its record is gone: nobody may make it again. */
  readonly removed?: true;
}

/** Where a claim is kept, and for how long. */
export interface ClaimKey {
  readonly space: string;
  readonly name: string;
  readonly keepMs: number;
}

/** The claim that holds for this key: ours if the key was free or its time was over, else the one that is there. */
export async function claim(
  ports: { readonly kv: KeyValueStore; readonly now: () => number },
  key: ClaimKey,
  ours: Claim,
): Promise<Claim> {
  const entry = { space: key.space, name: key.name, value: ours, expiresAtMs: ports.now() + key.keepMs, dueAtMs: null };
  for (let tries = 0; tries < 8; tries++) {
    if ((await ports.kv.create(entry)) !== undefined) return ours;
    const there = await ports.kv.get(key.space, key.name);
    if (there === undefined) continue; // removed in between
    if (!isOver(there, ports.now())) return there.value as Claim;
    if ((await ports.kv.replace({ ...entry, version: there.version })) !== undefined) return ours;
  }
  throw new ReelayError('store_unavailable', 'The idempotency key is being used by many requests at once.');
}

/** The claim of this key, if there is one whose time is not over. */
export async function claimOf(
  ports: { readonly kv: KeyValueStore; readonly now: () => number },
  key: Pick<ClaimKey, 'space' | 'name'>,
): Promise<Claim | undefined> {
  const there = await ports.kv.get(key.space, key.name);
  return there === undefined || isOver(there, ports.now()) ? undefined : (there.value as Claim);
}

/** Says on a job's claim that the job is gone. Before its record goes: a claim without a job would be taken for one half made. */
export async function markRemoved(
  ports: { readonly kv: KeyValueStore },
  job: Pick<Job, 'id' | 'claim'>,
): Promise<void> {
  if (job.claim === null) return;
  for (let tries = 0; tries < 8; tries++) {
    const there = await ports.kv.get(job.claim.space, job.claim.name);
    if (there === undefined || (there.value as Claim).jobId !== job.id) return;
    const value: Claim = { ...(there.value as Claim), removed: true };
    if ((await ports.kv.replace({ ...there, value })) !== undefined) return;
  }
  throw new ReelayError('store_unavailable', 'The claim of a removed job is being used by many requests at once.');
}

function isOver(entry: KeyValueEntry, nowMs: number): boolean {
  return entry.expiresAtMs !== null && entry.expiresAtMs <= nowMs;
}

import { ReelayError } from '../errors.ts';
import { dropLimits } from './drop-limits.ts';
import type { RegistryPorts } from './registry.ts';

/** What counting needs. */
export interface BreakerPorts extends RegistryPorts {
  readonly random: (n: number) => Uint8Array;
  readonly sha256: (data: string | Uint8Array) => string;
  /** dropLimits.jobsPerMinute unless said otherwise. */
  readonly jobsPerMinute?: number;
}

/** Where this many may come, one drop in so many is written down and stands for all of them: a count need not cost a write a drop. */
const MANY = 1_000;
const STRIDE = 16;

/**
 * The last net under a loop that no mark gave away: counts the new jobs of a place in each minute and, past the limit, holds the next
 * ones back. They wait where they lie and nothing is refused. The count is an estimate. Throws `rate_limited`.
 */
export async function countJobs(ports: BreakerPorts, place: string, jobs: number): Promise<void> {
  const most = ports.jobsPerMinute ?? dropLimits.jobsPerMinute;
  const nowMs = ports.now();
  const key = {
    space: `drop_rate/${ports.tenant}`,
    name: `${Math.floor(nowMs / 60_000)}/${ports.sha256(place).slice(0, 16)}`,
  };
  const before = await ports.kv.get(key.space, key.name);
  const count = (before?.value as { count: number } | undefined)?.count ?? 0;
  // A batch that is larger than what is left of the minute must still have its turn in one of its own.
  if (count > 0 && count + jobs > most)
    throw new ReelayError('rate_limited', `More than ${most} new jobs a minute from one drop folder; the rest waits.`);
  const stride = most >= MANY && jobs < STRIDE ? STRIDE : 1;
  if (stride > 1 && ports.random(1)[0]! % stride !== 0) return;
  const value = { count: count + jobs * stride };
  await ports.kv.put({ ...key, value, expiresAtMs: nowMs + 600_000, dueAtMs: null });
}

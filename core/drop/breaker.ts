import { ReelayError } from '../errors.ts';
import { dropLimits } from './drop-limits.ts';
import type { RegistryPorts } from './registry.ts';

/**
 * The last net under a loop that no mark gave away: counts the new jobs of a place in each minute and, past the limit, holds the next
 * ones back. They wait where they lie and nothing is refused. Counted loosely: two at once may count as one.
 * Throws `rate_limited`.
 */
export async function countJobs(
  ports: RegistryPorts & { readonly jobsPerMinute?: number },
  place: string,
  jobs: number,
): Promise<void> {
  const most = ports.jobsPerMinute ?? dropLimits.jobsPerMinute;
  const space = `drop_rate/${ports.tenant}`;
  const name = `${Math.floor(ports.now() / 60_000)}/${place}`.slice(0, 512);
  const before = await ports.kv.get(space, name);
  const count = (before?.value as { count: number } | undefined)?.count ?? 0;
  // A batch that is larger than what is left of the minute must still have its turn in one of its own.
  if (count > 0 && count + jobs > most)
    throw new ReelayError('rate_limited', `More than ${most} new jobs a minute from one drop folder; the rest waits.`);
  await ports.kv.put({
    space,
    name,
    value: { count: count + jobs },
    expiresAtMs: ports.now() + 600_000,
    dueAtMs: null,
  });
}

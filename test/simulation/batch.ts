/** Many seeds, and what they showed together. */
import type { WorldOptions } from './create-world.ts';
import { type Result, simulate } from './simulate.ts';

/** A seed that broke a promise. */
export interface Failure {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
  readonly last: readonly string[];
}

/** Sums over seeds; plain data, so that it travels between processes. */
export interface Summary {
  seeds: number;
  faults: number;
  faultsByKind: Record<string, number>;
  jobs: number;
  timersFired: number;
  virtualMs: number;
  lateBytes: number;
  orphans: number;
  /** The furthest that any tenant was over its cap. */
  mostOverCap: number;
  failures: Failure[];
}

/** Of no seed yet. */
export function noSummary(): Summary {
  return {
    seeds: 0,
    faults: 0,
    faultsByKind: {},
    jobs: 0,
    timersFired: 0,
    virtualMs: 0,
    lateBytes: 0,
    orphans: 0,
    mostOverCap: 0,
    failures: [],
  };
}

/** Runs `count` seeds, one after the other; stops after `mostFailures` of them failed. */
export async function runSeeds(
  from: number,
  count: number,
  options: WorldOptions & { mostFailures?: number } = {},
): Promise<Summary> {
  const summary = noSummary();
  for (let seed = from; seed < from + count; seed++) {
    addResult(summary, await simulate(seed, options));
    if (summary.failures.length >= (options.mostFailures ?? Number.POSITIVE_INFINITY)) break;
  }
  return summary;
}

function addResult(summary: Summary, { seed, violation, last, world, ...result }: Result): void {
  summary.seeds++;
  summary.faults += result.faultCount;
  for (const [kind, count] of result.faults) summary.faultsByKind[kind] = (summary.faultsByKind[kind] ?? 0) + count;
  summary.jobs += world.facts.createdMs.size;
  summary.timersFired += result.timersFired;
  summary.virtualMs += result.virtualMs;
  summary.lateBytes += world.facts.lateBytes;
  summary.orphans += world.facts.orphans;
  summary.mostOverCap = Math.max(summary.mostOverCap, world.facts.overCap);
  if (violation !== undefined) summary.failures.push({ seed, ...violation, last });
}

/** Adds the sums of `more` to `sum`. */
export function addSummary(sum: Summary, more: Summary): void {
  for (const key of ['seeds', 'faults', 'jobs', 'timersFired', 'virtualMs', 'lateBytes', 'orphans'] as const)
    sum[key] += more[key];
  for (const [kind, count] of Object.entries(more.faultsByKind))
    sum.faultsByKind[kind] = (sum.faultsByKind[kind] ?? 0) + count;
  sum.mostOverCap = Math.max(sum.mostOverCap, more.mostOverCap);
  sum.failures.push(...more.failures);
}

/** The sums in a few lines. */
export function describe(summary: Summary, ms: number): string {
  const { seeds, faults, jobs, timersFired, virtualMs, lateBytes, orphans, mostOverCap } = summary;
  const each = (sum: number, digits = 1) => (sum / Math.max(1, seeds)).toFixed(digits);
  const kinds = Object.entries(summary.faultsByKind).sort(([, a], [, b]) => b - a);
  return [
    `${seeds} seeds in ${(ms / 1000).toFixed(1)} s (${((seeds * 1000) / ms).toFixed(1)} a second): ${summary.failures.length} failed`,
    `a seed: ${each(faults)} faults, ${each(jobs)} jobs, ${each(timersFired, 0)} timers, ${each(virtualMs / 1000, 0)} virtual seconds`,
    `blobs of zombies: ${lateBytes} arrived after their job's end, ${orphans} after its record was gone; most over a cap: ${mostOverCap}`,
    `faults a seed: ${kinds.map(([kind, count]) => `${kind} ${each(count)}`).join(', ')}`,
  ].join('\n');
}

/** A failure with what led to it and how to see all of it. */
export function describeFailure({ seed, rule, message, last }: Failure): string {
  return [
    ...last,
    `seed ${seed} broke: ${rule}`,
    `  ${message}`,
    `  node test/simulation/run.ts --seed ${seed} --trace`,
  ].join('\n');
}

/** The figures of RELIABILITY.md that a simulation can give. */
import { loadavg } from 'node:os';
import { calmScenario, calmWish, type Load, serveLoads, stepsByTenant, waitsMs } from './calm-worlds.ts';
import { createPrng } from './prng.ts';
import { calm, type SimTenant } from './scenario.ts';
import { simulate } from './simulate.ts';
import type { World } from './world.ts';

/** What fivefold messages cost. */
export interface Duplicates {
  readonly jobs: number;
  readonly messages: number;
  readonly outputs: number;
  readonly extraOutputs: number;
  readonly extraSteps: number;
  readonly steps: number;
}

/** R5: worlds in which each message comes five times, over ten seconds, and nothing else is wrong. */
export async function measureDuplicates(worlds: number): Promise<Duplicates> {
  const sum = { jobs: 0, messages: 0, outputs: 0, extraOutputs: 0, extraSteps: 0, steps: 0 };
  for (let seed = 1; seed <= worlds; seed++) {
    const prng = createPrng(seed);
    const wishes = Array.from({ length: 25 }, (_, n) =>
      calmWish({ name: `r${n}`, steps: prng.between(4, 20), stepMs: 100, startMs: prng.between(600, 20_000) }),
    );
    const weather = { ...calm, copied: 1, allFivefold: true };
    const scenario = calmScenario({ workers: 3, wishes, weather, faultsEndMs: 600_000 });
    const { violation, world, faults } = await simulate(seed, { scenario });
    if (violation !== undefined) throw new Error(`seed ${seed} broke ${violation.rule}: ${violation.message}`);
    const ideal = wishes.reduce((steps, wish) => steps + wish.steps, 0);
    const done = [...world.facts.stepsDone.values()].reduce((steps, count) => steps + count, 0);
    sum.jobs += wishes.length;
    sum.messages += faults.get('copied') ?? 0;
    sum.outputs += world.facts.committed.size;
    sum.extraOutputs += world.facts.committed.size - wishes.length;
    sum.steps += ideal;
    sum.extraSteps += done - ideal;
  }
  return sum;
}

/** R5 in words. */
export async function reportDuplicates(): Promise<string> {
  const { jobs, messages, outputs, extraOutputs, extraSteps, steps } = await measureDuplicates(200);
  const share = ((100 * extraSteps) / steps).toFixed(2);
  return [
    `R5, ${jobs} jobs, ${messages} messages each sent five times: ${outputs} outputs, ${extraOutputs} extra`,
    `${extraSteps} extra steps of ${steps} (${share} %)`,
    machine(),
  ].join('\n');
}

/** How evenly shares fall: 1 when all are alike (Jain, Chiu, Hawe 1984). */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
}

/** Work done for each of ten tenants, in proportion to its weight, while all of them have jobs waiting. */
export async function measureShares(seed: number, weights: readonly number[]): Promise<readonly number[]> {
  const tenants = weights.map((weight, n) => tenant(`t${n}`, weight));
  const loads = tenants.map(
    ({ name, weight }, t): Load => ({
      tenant: name,
      count: 400 * weight,
      startMs: 600,
      everyMs: 0,
      steps: n => 2 + ((n * 7 + t * 3) % 12),
    }),
  );
  const untilMs = 600 * 1000;
  const world = await serveLoads(seed, 4, tenants, loads, world => world.time.nowMs() >= untilMs);
  const steps = stepsByTenant(world);
  return tenants.map(({ name, weight }) => (steps.get(name) ?? 0) / weight);
}

/** p95 of B's waits with and without A's backlog of 10,000. */
export interface Noise {
  readonly aloneMs: number;
  readonly besideMs: number;
}

/** R12: `everyMs` 0: B's hundred jobs at once; else one after the other. */
export async function measureNoise(everyMs: number, workers: number): Promise<Noise> {
  const tenants = [tenant('a', 1), tenant('b', 1)];
  const b: Load = { tenant: 'b', count: 100, startMs: 5_000, everyMs, steps: () => 10 };
  const a: Load = { tenant: 'a', count: 10_000, startMs: 600, everyMs: 0, steps: () => 10 };
  const served = (world: World) => world.time.fired() % 64 === 0 && waitsMs(world, 'b').length === 100;
  const p95 = async (loads: readonly Load[]) =>
    waitsMs(await serveLoads(1, workers, tenants, loads, served), 'b')[94] ?? Number.NaN;
  return { aloneMs: await p95([b]), besideMs: await p95([a, b]) };
}

/** R12 and the shares in words. */
export async function reportFairness(): Promise<string> {
  const lines: string[] = [];
  for (const [name, weights] of [
    ['ten equal tenants', Array.from({ length: 10 }, () => 1)],
    ['ten tenants of weights 1, 2, 3, 1, 2, 3, …', Array.from({ length: 10 }, (_, n) => 1 + (n % 3))],
  ] as const) {
    const shares = await measureShares(1, weights);
    lines.push(`${name}: Jain ${jain(shares).toFixed(4)}, work by weight ${shares.map(Math.round).join(' ')}`);
  }
  for (const [name, everyMs] of [
    ['at once', 0],
    ['one a second', 1_000],
  ] as const) {
    const { aloneMs, besideMs } = await measureNoise(everyMs, 4);
    const times = (besideMs / aloneMs).toFixed(2);
    lines.push(
      `B's 100 jobs ${name}: p95 wait ${seconds(aloneMs)} s alone, ${seconds(besideMs)} s beside A's 10,000 (${times} x)`,
    );
  }
  return [...lines, machine()].join('\n');
}

function tenant(name: string, weight: number): SimTenant {
  return { name, weight, maxRunning: Number.POSITIVE_INFINITY };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function machine(): string {
  return `load average ${loadavg()
    .map(load => load.toFixed(1))
    .join(' ')}; virtual time, so the load changes nothing but the wait`;
}

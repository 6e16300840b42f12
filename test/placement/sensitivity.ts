import type { Policy } from '#core/placement/simulation/controller.ts';
import { horizon } from '#core/placement/simulation/scheduled.ts';
import type { Trace } from '#core/placement/simulation/trace.ts';
import { type Conditions, cheapest, meets, runMeeting, runPeers } from './runs.ts';

interface Variant {
  readonly name: string;
  readonly conditions: Conditions;
  readonly serviceFactor: number;
}

const variants: readonly Variant[] = [
  { name: 'cold starts of 60 s', conditions: { medianColdSeconds: 60 }, serviceFactor: 1 },
  { name: 'cold starts of 240 s', conditions: { medianColdSeconds: 240 }, serviceFactor: 1 },
  { name: 'seed 2', conditions: { seed: 2 }, serviceFactor: 1 },
  { name: 'seed 3', conditions: { seed: 3 }, serviceFactor: 1 },
  { name: 'seed 4', conditions: { seed: 4 }, serviceFactor: 1 },
  { name: 'jobs three times as long', conditions: {}, serviceFactor: 3 },
];

/** Targets in median cold starts: from where a fleet that starts at zero can keep its promise. */
const targetColds = [1.5, 2.5, 5];

/** The policy as a controller that looks once a minute and at no event. */
function onceAMinute(target: number): Policy {
  const policy = horizon(target);
  return { ...policy, create: () => ({ ...policy.create(), tickSeconds: 60, everyEvent: false }) };
}

/** A dash where one of the two never keeps the target. */
function shown(value: number, write: (value: number) => string): string {
  return Number.isFinite(value) ? write(value) : '-';
}

/**
 * Prints, for a trace in other worlds, horizon's GPU-hours over those of the best setting of the best peer in hindsight, at 1.5, 2.5
 * and 5 median cold starts; and what it costs to look once a minute instead of at every event.
 */
export function printSensitivity(trace: Trace): void {
  console.log(
    `| ${trace.name}, horizon / best peer | ${targetColds.map(colds => `${colds} cold starts`).join(' | ')} |`,
  );
  console.log('| --- | --- | --- | --- |');
  for (const { name, conditions, serviceFactor } of variants) {
    const changed = { ...trace, services: trace.services.map(seconds => serviceFactor * seconds) };
    const peers = [...runPeers(changed, conditions).values()].flat();
    const cells = targetColds.map(colds => {
      const target = colds * (conditions.medianColdSeconds ?? 120);
      const met = peers.filter(outcome => meets(outcome, target));
      const best = cheapest(met, outcome => outcome.gpuHours)?.gpuHours ?? Number.NaN;
      return shown((runMeeting(changed, target, conditions)?.gpuHours ?? Number.NaN) / best, x => x.toFixed(3));
    });
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  const slower = targetColds.map(colds => {
    const target = 120 * colds;
    const slow = runMeeting(trace, target, {}, onceAMinute)?.gpuHours ?? Number.NaN;
    const more = 100 * (slow / (runMeeting(trace, target)?.gpuHours ?? Number.NaN) - 1);
    return shown(more, x => `${x.toFixed(1)} %`);
  });
  console.log(`| more for a look once a minute | ${slower.join(' | ')} |\n`);
}

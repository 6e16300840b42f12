import { createFlowMatchEuler } from './flow-match-euler.ts';
import type { Scheduler, SchedulerOptions } from './scheduler.ts';
import { createUniPc } from './unipc.ts';

/** Callers of createScheduler find its types here too. */
export type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';

/** Class name in scheduler_config.json -> its maker. A new scheduler is a new line. */
const makers: Readonly<
  Record<string, (config: Record<string, unknown>, options: SchedulerOptions) => Scheduler | undefined>
> = {
  UniPCMultistepScheduler: createUniPc,
  FlowMatchEulerDiscreteScheduler: createFlowMatchEuler,
};

/**
 * The scheduler a scheduler_config.json names. A missing key takes that class's default in diffusers; an unknown class and an
 * option we do not follow throw, naming it: a schedule that is nearly right is worse than none.
 */
export function createScheduler(config: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const name = config._class_name;
  const make = typeof name === 'string' && Object.hasOwn(makers, name) ? makers[name] : undefined;
  const scheduler = make?.(config, options);
  if (scheduler === undefined)
    throw new Error(`scheduler: got _class_name ${JSON.stringify(name)}; known: ${Object.keys(makers).join(', ')}.`);
  return scheduler;
}

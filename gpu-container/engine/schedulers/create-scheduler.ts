import { createCogVideoXDdim } from './cogvideox-ddim.ts';
import { createCogVideoXDpm } from './cogvideox-dpm.ts';
import { createDdim } from './ddim.ts';
import { createDdpm } from './ddpm.ts';
import { createDeis } from './deis.ts';
import { createDpmSolver } from './dpmsolver.ts';
import { createEuler } from './euler.ts';
import { createEulerAncestral } from './euler-ancestral.ts';
import { createFlowMatchEuler } from './flow-match-euler.ts';
import { createHeun } from './heun.ts';
import { createLcm } from './lcm.ts';
import { createLms } from './lms.ts';
import { createPndm } from './pndm.ts';
import type { Scheduler, SchedulerOptions } from './scheduler.ts';
import { createTcd } from './tcd.ts';
import { createUniPc } from './unipc.ts';

/** Callers of createScheduler find its types here too. */
export type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';

/** Class name in scheduler_config.json -> its maker. A new scheduler is a new line. */
const makers: Readonly<
  Record<string, (config: Record<string, unknown>, options: SchedulerOptions) => Scheduler | undefined>
> = {
  UniPCMultistepScheduler: createUniPc,
  FlowMatchEulerDiscreteScheduler: createFlowMatchEuler,
  EulerDiscreteScheduler: createEuler,
  DDIMScheduler: createDdim,
  LCMScheduler: createLcm,
  DPMSolverMultistepScheduler: createDpmSolver,
  CogVideoXDDIMScheduler: createCogVideoXDdim,
  CogVideoXDPMScheduler: createCogVideoXDpm,
  PNDMScheduler: createPndm,
  EulerAncestralDiscreteScheduler: createEulerAncestral,
  DDPMScheduler: createDdpm,
  HeunDiscreteScheduler: createHeun,
  TCDScheduler: createTcd,
  LMSDiscreteScheduler: createLms,
  DEISMultistepScheduler: createDeis,
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

/** @file DDIM as CogVideoX has it; follows diffusers' `scheduling_ddim_cogvideox.py` (0.42.1) rounding for rounding. */
import { cogVideoXTable } from './cogvideox-alphas.ts';
import { defineScheduler } from './define-scheduler.ts';
import { toClean } from './prediction-type.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { mix } from './vectors.ts';

const NAME = 'CogVideoXDDIMScheduler';

/** diffusers' CogVideoXDDIMScheduler: draws nothing, whatever `eta` is. */
export function createCogVideoXDdim(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const { prediction, timesteps, alphas, round, next } = cogVideoXTable(NAME, raw, options);

  function advance({ index, sample }: SchedulerState, output: Float32Array) {
    const timestep = timesteps[index]!;
    const { alpha, beta, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timestep), round);
    requireSignal(NAME, timestep, alpha, { prediction_type: prediction });
    const clean = toClean(prediction, sample, output, rootAlpha, rootBeta);
    const end = signalLevel(next(timestep).alpha, round);
    const ofSample = round(Math.sqrt(round(end.beta / beta)));
    const ofClean = round(end.rootAlpha - round(rootAlpha * ofSample));
    return { sample: mix(ofSample, sample, ofClean, clean) };
  }

  return defineScheduler({ name: NAME, timesteps, advance, addNoise: noiser(alphas, timesteps) });
}

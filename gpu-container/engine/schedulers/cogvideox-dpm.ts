/**
 * @file DPM-Solver++ (2M) as an SDE, as CogVideoX has it; follows diffusers' `scheduling_dpm_cogvideox.py` (0.42.1) rounding for
 * rounding. The history holds the clean sample predicted in the step before.
 */
import { cogVideoXTable } from './cogvideox-alphas.ts';
import { defineScheduler } from './define-scheduler.ts';
import { toClean } from './prediction-type.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { accumulate, mix } from './vectors.ts';

const NAME = 'CogVideoXDPMScheduler';

/**
 * diffusers' CogVideoXDPMScheduler. Draws once in the first and the last step, else twice, and uses the last draw. The option
 * `eta` has no effect, as in diffusers.
 */
export function createCogVideoXDpm(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const { prediction, timesteps, alphas, round, next } = cogVideoXTable(NAME, raw, options);
  const isSecondOrder = ({ index, history }: SchedulerState) => history.length > 0 && !next(timesteps[index]!).past;
  const lambdaOf = (alpha: number) => round(Math.log(round(Math.sqrt(round(alpha / round(1 - alpha))))));

  function advance(state: SchedulerState, output: Float32Array, noise: Float32Array) {
    const { index, sample, history } = state;
    const timestep = timesteps[index]!;
    const { alpha, beta, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timestep), round);
    requireSignal(NAME, timestep, alpha, { prediction_type: prediction });
    let clean = toClean(prediction, sample, output, rootAlpha, rootBeta);
    if (clean === output) clean = output.slice(); // the caller's array; this one is kept
    const end = signalLevel(next(timestep).alpha, round);
    const h = round(lambdaOf(end.alpha) - lambdaOf(alpha));
    const twice = round(-2 * h);
    const ofSample = round(round(Math.sqrt(round(end.beta / beta))) * round(Math.exp(-h)));
    const ofClean = round(round(Math.expm1(twice)) * end.rootAlpha);
    const ofNoise = round(end.rootBeta * round(Math.sqrt(round(1 - round(Math.exp(twice))))));
    let target = clean;
    if (isSecondOrder(state)) {
      const before = lambdaOf(alphaAt(alphas, timesteps[index - 1]!));
      const ratio = round(round(lambdaOf(alpha) - before) / h);
      const share = round(1 / round(2 * ratio));
      target = mix(round(1 + share), clean, -share, history[0]!);
    }
    const sampleThere = accumulate(mix(ofSample, sample, -ofClean, target), ofNoise, noise);
    return { sample: sampleThere, history: [clean] };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance,
    addNoise: noiser(alphas, timesteps),
    noiseDraws: state => (isSecondOrder(state) ? 2 : 1),
  });
}

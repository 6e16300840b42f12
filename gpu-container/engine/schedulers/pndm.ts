/**
 * @file Pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778): four outputs of linear multistep (PLMS) after three rounds
 * of pseudo Runge-Kutta (PRK), or without them; follows diffusers' `scheduling_pndm.py` (0.42.1) rounding for rounding.
 *
 * The history holds the last outputs, oldest first, then the sample a round or the first step began at, then the sum of a round's
 * outputs so far; the scalars say how many of each there are, and `counter` how many steps were made, which after a late start is
 * not the index.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { pndmTimesteps } from './pndm-timesteps.ts';
import { choice, flag, readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, noiser, signalLevel } from './signal-table.ts';
import { spacingFields } from './timestep-spacing.ts';
import { accumulate, divide, mix, mixOver, scale } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'PNDMScheduler';

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...spacingFields('leading'),
  skip_prk_steps: flag(false),
  set_alpha_to_one: flag(false),
  prediction_type: choice('epsilon', 'v_prediction'),
};

interface Memory {
  readonly counter: number;
  readonly outputs: readonly Float32Array[];
  readonly began: Float32Array | undefined;
  readonly sum: Float32Array | undefined;
}

/** diffusers' PNDMScheduler. `timesteps` has steps + 1 entries with skip_prk_steps, steps + 9 without. */
export function createPndm(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, []);
  const { timesteps, rungeKutta } = pndmTimesteps(config, options.steps);
  const alphas = alphasCumprod(config, false);
  const stride = Math.floor(config.num_train_timesteps / options.steps);
  const finalAlpha = config.set_alpha_to_one ? 1 : alphas[0]!;

  /** Eq. 11 of the paper. */
  function transfer(sample: Float32Array, from: number, to: number, output: Float32Array): Float32Array {
    const { alpha, beta, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, from));
    const next = signalLevel(to >= 0 ? alphaAt(alphas, to) : finalAlpha);
    const noise = config.prediction_type === 'epsilon' ? output : mix(rootAlpha, output, rootBeta, sample);
    const ofSample = f32(Math.sqrt(f32(next.alpha / alpha)));
    const denominator = f32(f32(alpha * next.rootBeta) + f32(Math.sqrt(f32(f32(alpha * beta) * next.alpha))));
    return mix(ofSample, sample, -1, divide(scale(f32(next.alpha - alpha), noise), denominator));
  }

  function rungeKuttaStep(memory: Memory, timestep: number, sample: Float32Array, output: Float32Array) {
    const { counter, outputs, began = sample, sum } = memory;
    const to = timestep - (counter % 2 === 0 ? Math.floor(stride / 2) : 0);
    const from = rungeKutta[counter - (counter % 4)]!;
    const stage = counter % 4;
    const weighted = scale(stage === 0 || stage === 3 ? 1 / 6 : 1 / 3, output);
    const total = sum === undefined ? weighted : mix(1, sum, 1, weighted);
    const start = stage === 0 ? sample : began;
    return remember(transfer(start, from, to, stage === 3 ? total : output), {
      counter: counter + 1,
      outputs: stage === 0 ? [...outputs, output.slice()] : outputs,
      began: start,
      sum: stage === 3 ? undefined : total,
    });
  }

  function multistep(memory: Memory, timestep: number, sample: Float32Array, output: Float32Array) {
    const { counter, began } = memory;
    const outputs = counter === 1 ? memory.outputs : [...memory.outputs.slice(-3), output.slice()];
    const next = { counter: counter + 1, outputs, began: undefined, sum: undefined };
    if (counter === 1) {
      // The second step redoes the first with the mean of the outputs at both of its ends.
      const mean = mixOver(1, output, 1, outputs.at(-1)!, 2);
      return remember(transfer(began!, timestep + stride, timestep, mean), next);
    }
    const stepped = transfer(sample, timestep, timestep - stride, adamsBashforth(outputs));
    return remember(stepped, counter === 0 ? { ...next, began: sample } : next);
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance(state: SchedulerState, output: Float32Array) {
      const memory = recall(state);
      const step = memory.counter < rungeKutta.length ? rungeKuttaStep : multistep;
      return step(memory, timesteps[state.index]!, state.sample, output);
    },
    addNoise: noiser(alphas, timesteps),
  });
}

/** The last outputs, oldest first, extrapolated; one is taken as it is. */
function adamsBashforth(outputs: readonly Float32Array[]): Float32Array {
  const [e1, e2, e3, e4] = outputs.toReversed() as [Float32Array, ...(Float32Array | undefined)[]];
  if (e2 === undefined) return e1;
  if (e3 === undefined) return mixOver(3, e1, -1, e2, 2);
  if (e4 === undefined) return divide(accumulate(mix(23, e1, -16, e2), 5, e3), 12);
  return scale(1 / 24, accumulate(accumulate(mix(55, e1, -59, e2), 37, e3), -9, e4));
}

function remember(sample: Float32Array, { counter, outputs, began, sum }: Memory) {
  const history = [...outputs, ...(began ? [began] : []), ...(sum ? [sum] : [])];
  return { sample, history, scalars: { counter, outputs: outputs.length, began: began ? 1 : 0 } };
}

function recall({ history, scalars }: SchedulerState): Memory {
  const { counter = 0, outputs = 0, began = 0 } = scalars;
  return {
    counter,
    outputs: history.slice(0, outputs),
    began: began === 1 ? history[outputs] : undefined,
    sum: history[outputs + began],
  };
}

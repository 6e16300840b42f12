/**
 * @file DEIS, multistep in log rho (Zhang & Chen 2022, arXiv 2204.13902); follows diffusers' `scheduling_deis_multistep.py`
 * (0.42.1) rounding for rounding. The history holds the last predicted noises, oldest first.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { deisWeights } from './deis-weights.ts';
import { dpmWeights } from './dpmsolver-weights.ts';
import { toClean, toNoise } from './prediction-type.ts';
import { choice, type Field, flag, integer, number, optionalNumber, readConfig, unsupported } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { requireLogarithms, solverLevels } from './solver-levels.ts';
import { orderOfStep, SHORT_RUN } from './solver-order.ts';
import { solverTable } from './solver-schedule.ts';
import { boundClean, thresholdingFields } from './thresholding.ts';
import { solverTimesteps, spacingFields } from './timestep-spacing.ts';
import { accumulate, divide, mix, scale } from './vectors.ts';

const NAME = 'DEISMultistepScheduler';

/** One way only; diffusers reads the words of its kin as this one. */
const only = (word: string, ...kin: string[]): Field<string> => ({
  initial: word,
  wanted: word,
  read: value => ([word, ...kin].includes(`${value}`) ? word : undefined),
});

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...thresholdingFields,
  ...spacingFields('linspace'),
  solver_order: { ...integer(2, 1), wanted: '1, 2 or 3' },
  prediction_type: choice('epsilon', 'sample', 'v_prediction', 'flow_prediction'),
  algorithm_type: only('deis', 'dpmsolver', 'dpmsolver++'),
  solver_type: only('logrho', 'midpoint', 'heun', 'bh1', 'bh2'),
  lower_order_final: flag(true),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  use_flow_sigmas: flag(false),
  flow_shift: number(1),
  use_dynamic_shifting: flag(false),
  time_shift_type: unsupported('exponential'),
  sigma_min: optionalNumber, // not of its constructor, but diffusers reads them where a config has them
  sigma_max: optionalNumber,
};

/** diffusers' DEISMultistepScheduler. */
export function createDeis(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  const { solver_order: solverOrder, prediction_type: prediction } = config;
  if (solverOrder > 3)
    throw new Error(`scheduler: ${NAME} with solver_order ${solverOrder}; 1, 2 and 3 are supported.`);
  checkOptions(NAME, options, ['mu']);
  const spaced = solverTimesteps(config, options.steps, config.num_train_timesteps);
  const table = solverTable(NAME, config, options, alphasCumprod(config, false), spaced);
  const { timesteps } = table;
  const sigmas = [...table.sigmas, table.resampled ? table.sigmas.at(-1)! : table.lowest].map(Math.fround);
  const levels = solverLevels(sigmas, config.use_flow_sigmas);
  requireLogarithms(NAME, levels);
  const { alpha, sigma } = levels;
  const short = config.lower_order_final && timesteps.length < SHORT_RUN;

  function toNoiseOf(index: number, sample: Float32Array, output: Float32Array): Float32Array {
    // A flow's raw sigma stands for both, with or without flow sigmas: so diffusers.
    const [a, s] = [alpha[index]!, prediction === 'flow_prediction' ? sigmas[index]! : sigma[index]!];
    const clean =
      prediction === 'flow_prediction'
        ? mix(1, sample, -sigmas[index]!, output)
        : toClean(prediction, sample, output, a, s);
    return toNoise('sample', sample, boundClean(config, clean, options.batch ?? 1), a, s);
  }

  function advance({ index, sample, history }: SchedulerState, output: Float32Array) {
    const noise = toNoiseOf(index, sample, output);
    const known = history.length;
    const steps = timesteps.length;
    const order = orderOfStep({ index, steps, solverOrder, known, finalFirst: short, finalSecond: short });
    const kept = solverOrder - 1;
    return {
      sample: update(index, order, sample, [noise, ...history.toReversed()]),
      history: kept > 0 ? [...history, noise].slice(-kept) : [],
    };
  }

  /** `noises`: newest first. */
  function update(index: number, order: number, sample: Float32Array, noises: readonly Float32Array[]): Float32Array {
    if (order === 1) {
      const step = { from: index, order, algorithm: 'dpmsolver', solver: 'midpoint' } as const;
      const { ofSample, ofValue } = dpmWeights(levels, step);
      return mix(ofSample, sample, ofValue, noises[0]!);
    }
    const sum = divide(sample, alpha[index]!);
    for (const [k, weight] of deisWeights(levels, index, order).entries()) accumulate(sum, weight, noises[k]!);
    return scale(alpha[index + 1]!, sum);
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    sigmas,
    advance,
    addNoise: (sample, noise, index) => mix(alpha[index]!, sample, sigma[index]!, noise),
  });
}

/**
 * @file DPM-Solver and DPM-Solver++, multistep, as ODE and as SDE; follows diffusers' `scheduling_dpmsolver_multistep.py` (0.42.1)
 * rounding for rounding. The history holds the last converted outputs, oldest first.
 */
import { alphasCumprodWithFloor } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { DPM_SOLVER, type DpmSolverConfig, readDpmSolverConfig } from './dpmsolver-config.ts';
import {
  type DifferenceWeights,
  type DpmWeights,
  differenceWeights,
  dpmWeights,
  isDefined,
} from './dpmsolver-weights.ts';
import { roundHalfEven } from './numpy.ts';
import { toClean, toNoise } from './prediction-type.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { requireLogarithms, solverLevels } from './solver-levels.ts';
import { orderOfStep, SHORT_RUN } from './solver-order.ts';
import { solverTable } from './solver-schedule.ts';
import { boundClean } from './thresholding.ts';
import { solverTimesteps } from './timestep-spacing.ts';
import { accumulate, mix } from './vectors.ts';

const f32 = Math.fround;

/** diffusers' DPMSolverMultistepScheduler. The SDE forms draw in every step. */
export function createDpmSolver(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readDpmSolverConfig(raw);
  const { timesteps, sigmas } = dpmSchedule(config, options);
  const levels = solverLevels(sigmas, config.use_flow_sigmas);
  requireLogarithms(DPM_SOLVER, levels);
  const { alpha, sigma } = levels;
  const { algorithm_type: algorithm, solver_order: solverOrder, solver_type: solver } = config;
  const steps = timesteps.length;
  const short = config.lower_order_final && steps < SHORT_RUN;
  const finalFirst = config.euler_at_final || short || config.final_sigmas_type === 'zero';
  const draws = algorithm.startsWith('sde-') ? 1 : 0;
  const stepOf = (index: number, known: number) => {
    const order = orderOfStep({ index, steps, solverOrder, known, finalFirst, finalSecond: short });
    return { from: index, order, algorithm, solver };
  };
  for (let index = 0; index < steps; index++)
    if (!isDefined(levels, stepOf(index, index)))
      throw new RangeError(
        `scheduler: ${DPM_SOLVER} with algorithm_type ${algorithm}, solver_order ${solverOrder}, solver_type ${solver} and ` +
          `these sigmas has no step ${index + 1} of ${steps}; in diffusers it is NaN.`,
      );

  function convert(index: number, sample: Float32Array, output: Float32Array): Float32Array {
    const [a, s, batch] = [alpha[index]!, sigma[index]!, options.batch ?? 1];
    if (config.prediction_type === 'flow_prediction')
      return boundClean(config, mix(1, sample, -sigmas[index]!, output), batch);
    if (algorithm.endsWith('++'))
      return boundClean(config, toClean(config.prediction_type, sample, output, a, s), batch);
    const noise = toNoise(config.prediction_type, sample, output, a, s);
    if (!config.thresholding) return noise;
    const clean = boundClean(config, toClean('epsilon', sample, noise, a, s), batch);
    return toNoise('sample', sample, clean, a, s);
  }

  function advance({ index, sample, history }: SchedulerState, output: Float32Array, noise: Float32Array) {
    let converted = convert(index, sample, output);
    if (converted === output) converted = output.slice(); // the caller's array; this one is kept
    const step = stepOf(index, history.length);
    const weights = dpmWeights(levels, step);
    const result = mix(weights.ofSample, sample, weights.ofValue, converted);
    if (step.order > 1)
      addDifferences(
        result,
        weights,
        differenceWeights(levels, index, step.order),
        [converted, ...history.toReversed()],
        step.order,
      );
    if (draws > 0) accumulate(result, weights.ofNoise, noise);
    const kept = solverOrder - 1;
    return { sample: result, history: kept > 0 ? [...history, converted].slice(-kept) : [] };
  }

  return defineScheduler({
    name: DPM_SOLVER,
    timesteps,
    sigmas,
    advance,
    addNoise: (sample, noise, index) => mix(alpha[index]!, sample, sigma[index]!, noise),
    noiseDraws: () => draws,
  });
}

/** Adds the slope, and of third order the bend, of the outputs m0, m1, m2 to `result`, in place. */
function addDifferences(
  result: Float32Array,
  { ofSlope, ofBend }: DpmWeights,
  { first, second, share, bend }: DifferenceWeights,
  [m0, m1, m2]: readonly Float32Array[],
  order: number,
): void {
  for (let i = 0; i < result.length; i++) {
    const near = f32(first * f32(m0![i]! - m1![i]!));
    if (order === 2) {
      result[i] = result[i]! + f32(ofSlope * near);
      continue;
    }
    const difference = f32(near - f32(second * f32(m1![i]! - m2![i]!)));
    const slope = f32(near + f32(share * difference));
    result[i] = f32(result[i]! + f32(ofSlope * slope)) + f32(ofBend * f32(bend * difference));
  }
}

/** set_timesteps of the original. */
function dpmSchedule(config: DpmSolverConfig, options: SchedulerOptions) {
  checkOptions(DPM_SOLVER, options, ['timesteps', 'mu']);
  const alphas = alphasCumprodWithFloor(config, config.rescale_betas_zero_snr);
  const spaced =
    options.timesteps?.map(Math.trunc) ??
    solverTimesteps(config, options.steps, config.num_train_timesteps - clippedTimesteps(config, alphas));
  const round = config.beta_schedule === 'squaredcos_cap_v2' ? (t: number) => t : roundHalfEven;
  const table = solverTable(DPM_SOLVER, config, options, alphas, spaced, round);
  const final = config.final_sigmas_type === 'zero' ? 0 : table.lowest;
  return { timesteps: table.timesteps, sigmas: [...table.sigmas, final].map(f32) };
}

/** How many of the noisiest timesteps have a lambda below lambda_min_clipped. */
function clippedTimesteps(config: DpmSolverConfig, alphas: Float64Array): number {
  const least = f32(config.lambda_min_clipped);
  const clear = alphas.findLastIndex(alpha => {
    const noise = f32(Math.sqrt(f32(1 - alpha)));
    return f32(f32(Math.log(f32(Math.sqrt(alpha)))) - f32(Math.log(noise))) >= least;
  });
  return alphas.length - 1 - clear;
}

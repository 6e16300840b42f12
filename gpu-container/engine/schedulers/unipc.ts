/**
 * @file UniPC, a predictor-corrector multistep solver (Zhao et al. 2023, arXiv 2302.04867); follows diffusers'
 * `scheduling_unipc_multistep.py` (0.42.1) rounding for rounding.
 *
 * Each step first corrects the sample it is given with the output for it, then predicts the next. It keeps the last converted
 * outputs, oldest first, then the corrected sample; `order` in scalars is the order of the last prediction.
 */
import { defineScheduler } from './define-scheduler.ts';
import { toClean, toNoise } from './prediction-type.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { solverLevels } from './solver-levels.ts';
import { boundClean } from './thresholding.ts';
import { type UniPcStep, type UniPcWeights, uniPcWeights } from './unipc-coefficients.ts';
import { readUniPcConfig, UNIPC } from './unipc-config.ts';
import { uniPcSchedule } from './unipc-schedule.ts';
import { accumulate, mix } from './vectors.ts';

const f32 = Math.fround;

/** diffusers' UniPCMultistepScheduler. */
export function createUniPc(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readUniPcConfig(raw, options.steps);
  const { timesteps, sigmas } = uniPcSchedule(config, options);
  const levels = solverLevels(sigmas, config.use_flow_sigmas);
  const { alpha, sigma, lambda } = levels;
  if (lambda.some(value => Number.isNaN(value)))
    throw new RangeError(
      `scheduler: ${UNIPC} with these sigmas has no logarithm of the signal; flow needs sigmas below 1.`,
    );
  const { prediction_type: prediction, predict_x0: predictClean, solver_order: solverOrder } = config;

  function convert(index: number, sample: Float32Array, output: Float32Array): Float32Array {
    if (!predictClean) {
      if (prediction === 'flow_prediction') throw new Error('unreachable: readUniPcConfig refuses it');
      return toNoise(prediction, sample, output, alpha[index]!, sigma[index]!);
    }
    const clean =
      prediction === 'flow_prediction'
        ? mix(1, sample, -sigmas[index]!, output)
        : toClean(prediction, sample, output, alpha[index]!, sigma[index]!);
    return boundClean(config, clean, options.batch ?? 1);
  }

  function weigh(from: number, order: number, corrector: boolean): UniPcWeights {
    const step: UniPcStep = { from, order, corrector, predictClean, solver: config.solver_type };
    return uniPcWeights(levels, step);
  }

  function advance(state: SchedulerState, output: Float32Array) {
    const { index, history } = state;
    let converted = convert(index, state.sample, output);
    if (converted === output) converted = output.slice(); // the caller's array; this one is kept
    const [outputs, last] = [history.slice(0, -1), history.at(-1)];
    const correct = index > 0 && last !== undefined && !config.disable_corrector.includes(index - 1);
    const sample = correct
      ? updated(weigh(index - 1, state.scalars.order!, true), last, outputs, converted)
      : state.sample;
    const kept = [...outputs, converted].slice(-solverOrder);
    const most = config.lower_order_final ? Math.min(solverOrder, timesteps.length - index) : solverOrder;
    const order = Math.min(most, Math.min(outputs.length, solverOrder) + 1);
    return {
      sample: updated(weigh(index, order, false), sample, kept),
      history: [...kept, sample],
      scalars: { order },
    };
  }

  return defineScheduler({
    name: UNIPC,
    timesteps,
    sigmas,
    advance,
    addNoise: (sample, noise, index) => mix(alpha[index]!, sample, sigma[index]!, noise),
  });
}

/** The sample at the end of a step, from `outputs` up to its beginning, oldest first, and for the corrector that at its end. */
function updated(
  weights: UniPcWeights,
  sample: Float32Array,
  outputs: readonly Float32Array[],
  atEnd?: Float32Array,
): Float32Array {
  const { rks, rhos } = weights;
  const newest = outputs.at(-1)!;
  const result = mix(weights.ofSample, sample, weights.ofOutput, newest);
  const residual = new Float32Array(sample.length);
  for (const [k, rk] of rks.entries()) addDifference(residual, rhos[k]!, outputs.at(-2 - k)!, newest, rk);
  if (atEnd !== undefined) addDifference(residual, rhos.at(-1)!, atEnd, newest, 1);
  return rhos.length > 0 ? accumulate(result, weights.ofResidual, residual) : result;
}

/** residual + rho (m - m0) / rk, in place. */
function addDifference(residual: Float32Array, rho: number, m: Float32Array, m0: Float32Array, rk: number): void {
  for (let i = 0; i < residual.length; i++) residual[i] = residual[i]! + f32(rho * f32(f32(m[i]! - m0[i]!) / rk));
}

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
import { requireLogarithms, solverLevels } from './solver-levels.ts';
import { boundClean } from './thresholding.ts';
import { type UniPcStep, type UniPcWeights, uniPcWeights } from './unipc-coefficients.ts';
import { readUniPcConfig, UNIPC } from './unipc-config.ts';
import { uniPcSchedule } from './unipc-schedule.ts';
import { mix } from './vectors.ts';

const f32 = Math.fround;

/** diffusers' UniPCMultistepScheduler. */
export function createUniPc(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readUniPcConfig(raw, options.steps);
  const { timesteps, sigmas } = uniPcSchedule(config, options);
  const levels = solverLevels(sigmas, config.use_flow_sigmas);
  requireLogarithms(UNIPC, levels);
  const { alpha, sigma } = levels;
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

/**
 * The sample at the end of a step, from `outputs` up to its beginning, oldest first, and for the corrector that at its end. One
 * pass over the latent: memory is what this takes its time with.
 */
function updated(
  weights: UniPcWeights,
  sample: Float32Array,
  outputs: readonly Float32Array[],
  atEnd?: Float32Array,
): Float32Array {
  const { ofSample, ofOutput, ofResidual, rks, rhos } = weights;
  const m0 = outputs.at(-1)!;
  if (rhos.length === 0) return mix(ofSample, sample, ofOutput, m0);
  // Without a corrector and with a lower order, the differences that are not there are 0 of m0 to itself.
  const [m1, rk1, rho1] = rks.length > 0 ? [outputs.at(-2)!, rks[0]!, rhos[0]!] : [m0, 1, 0];
  const [m2, rk2, rho2] = rks.length > 1 ? [outputs.at(-3)!, rks[1]!, rhos[1]!] : [m0, 1, 0];
  const [end, rhoEnd] = atEnd === undefined ? [m0, 0] : [atEnd, rhos.at(-1)!];
  const result = new Float32Array(sample.length);
  for (let i = 0; i < result.length; i++) {
    const base = m0[i]!;
    let residual = f32(rho1 * f32(f32(m1[i]! - base) / rk1));
    if (rho2 !== 0) residual = f32(residual + f32(rho2 * f32(f32(m2[i]! - base) / rk2)));
    residual = f32(residual + f32(rhoEnd * f32(end[i]! - base)));
    result[i] = f32(f32(ofSample * sample[i]!) + f32(ofOutput * base)) + f32(ofResidual * residual);
  }
  return result;
}

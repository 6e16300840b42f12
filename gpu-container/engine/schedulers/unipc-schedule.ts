/** @file The timesteps and sigmas of UniPCMultistepScheduler, with numpy's mix of float64 and float32. */
import { alphasCumprodWithFloor } from './betas.ts';
import { checkOptions } from './define-scheduler.ts';
import { interpolate, linspace, roundHalfEven } from './numpy.ts';
import type { SchedulerOptions } from './scheduler.ts';
import { exponentialSigmas, karrasSigmas, logSigmas, sigmaToTimestep, trainingSigmas } from './sigma-tables.ts';
import { solverTimesteps } from './timestep-spacing.ts';
import { UNIPC, type UniPcConfig } from './unipc-config.ts';

/** The table of a run: integers, and one sigma more, exact in float32. */
export interface SolverSchedule {
  readonly timesteps: number[];
  readonly sigmas: number[];
}

/** set_timesteps of the original. */
export function uniPcSchedule(config: UniPcConfig, options: SchedulerOptions): SolverSchedule {
  checkOptions(UNIPC, options, config.use_flow_sigmas ? ['sigmas', 'mu'] : ['mu']);
  if (config.use_dynamic_shifting && options.mu === undefined)
    throw new Error('scheduler: use_dynamic_shifting needs mu, the shift of this resolution.');
  const { steps } = options;
  const train = config.num_train_timesteps;
  const training = trainingSigmas(alphasCumprodWithFloor(config, config.rescale_betas_zero_snr));
  const table = options.sigmas ?? training;
  const logs = options.sigmas?.map(Math.log) ?? logSigmas(training);
  const [high, low] = [table[table.length - 1]!, table[0]!];
  if (config.use_karras_sigmas) {
    const karras = karrasSigmas(config, high, low, steps);
    if (config.use_flow_sigmas)
      return finish(
        config,
        karras.map(sigma => sigma / (sigma + 1)),
        sigma => sigma * train,
      );
    return finish(config, karras, sigma => roundHalfEven(sigmaToTimestep(sigma, logs)));
  }
  if (config.use_exponential_sigmas)
    return finish(config, exponentialSigmas(config, high, low, steps), sigma => sigmaToTimestep(sigma, logs));
  if (config.use_flow_sigmas) return finish(config, flowSigmas(config, options), sigma => sigma * train);
  const timesteps = solverTimesteps(config, steps, train);
  const sigmas = timesteps.map(t => interpolate(t, training));
  const final = config.final_sigmas_type === 'zero' ? 0 : training[0]!;
  return { timesteps, sigmas: [...sigmas, final].map(Math.fround) };
}

/** Resampled tables end with their own last sigma, and tell the model whole timesteps, cut off. */
function finish(config: UniPcConfig, sigmas: number[], toTimestep: (sigma: number) => number): SolverSchedule {
  const final = config.final_sigmas_type === 'zero' ? 0 : sigmas.at(-1)!;
  return {
    timesteps: sigmas.map(sigma => Math.trunc(toTimestep(sigma))),
    sigmas: [...sigmas, final].map(Math.fround),
  };
}

function flowSigmas(config: UniPcConfig, options: SchedulerOptions): number[] {
  const { flow_shift: shift, num_train_timesteps: train } = config;
  let sigmas = options.sigmas ?? linspace(1, 1 / train, options.steps + 1).slice(0, -1);
  if (config.use_dynamic_shifting) {
    const strength = config.time_shift_type === 'exponential' ? Math.exp(options.mu!) : options.mu!;
    sigmas = sigmas.map(sigma => strength / (strength + (1 / sigma - 1)));
  } else sigmas = sigmas.map(sigma => (shift * sigma) / (1 + (shift - 1) * sigma));
  if (config.shift_terminal) {
    const factor = (1 - sigmas.at(-1)!) / (1 - config.shift_terminal);
    sigmas = sigmas.map(sigma => 1 - (1 - sigma) / factor);
  }
  const [first, ...rest] = sigmas as [number, ...number[]];
  return [Math.abs(first - 1) < 1e-6 ? first - 1e-6 : first, ...rest]; // at 1 no signal is left, and lambda is -Infinity
}

/** @file The timesteps and sigmas of DPMSolverMultistepScheduler and DEISMultistepScheduler, but for the last sigma. */
import { interpolate, linspace, roundHalfEven } from './numpy.ts';
import type { SchedulerOptions } from './scheduler.ts';
import {
  exponentialSigmas,
  karrasSigmas,
  logSigmas,
  type SigmaRange,
  sigmaToTimestep,
  trainingSigmas,
} from './sigma-tables.ts';

/** What of a config the table depends on. */
export interface SolverTableConfig extends SigmaRange {
  readonly num_train_timesteps: number;
  readonly use_karras_sigmas: boolean;
  readonly use_exponential_sigmas: boolean;
  readonly use_lu_lambdas?: boolean;
  readonly use_flow_sigmas: boolean;
  readonly flow_shift: number;
  readonly use_dynamic_shifting: boolean;
}

/** Whole timesteps, cut off, and as many sigmas in float64. */
export interface SolverTable {
  readonly timesteps: number[];
  readonly sigmas: number[];
  /** Whether the sigmas are not simply those of `spaced`. */
  readonly resampled: boolean;
  /** The lowest sigma of the training. */
  readonly lowest: number;
}

/** set_timesteps of both. `spaced` are the timesteps where nothing resamples; `round` is for those of karras and lu sigmas. */
export function solverTable(
  name: string,
  config: SolverTableConfig,
  options: SchedulerOptions,
  alphas: Float64Array,
  spaced: readonly number[],
  round: (timestep: number) => number = roundHalfEven,
): SolverTable {
  refuse(name, config, options);
  const { steps } = options;
  const training = trainingSigmas(alphas);
  const [high, lowest] = [training.at(-1)!, training[0]!];
  const logs = logSigmas(training);
  const timestepOf = (sigma: number) => sigmaToTimestep(sigma, logs);
  const table = (sigmas: number[], toTimestep: (sigma: number) => number): SolverTable => ({
    timesteps: sigmas.map(sigma => Math.trunc(toTimestep(sigma))),
    sigmas,
    resampled: true,
    lowest,
  });
  if (config.use_karras_sigmas)
    return table(karrasSigmas(config, high, lowest, steps), sigma => round(timestepOf(sigma)));
  if (config.use_lu_lambdas) return table(luSigmas(logs, steps), sigma => round(timestepOf(sigma)));
  if (config.use_exponential_sigmas) return table(exponentialSigmas(config, high, lowest, steps), timestepOf);
  if (config.use_flow_sigmas) {
    const shift = options.mu === undefined ? config.flow_shift : Math.exp(options.mu);
    return table(flowSigmas(shift, config.num_train_timesteps, steps), sigma => sigma * config.num_train_timesteps);
  }
  const sigmas = spaced.map(t => interpolate(t, training));
  return { timesteps: [...spaced], sigmas, resampled: false, lowest };
}

function refuse(name: string, config: SolverTableConfig, { timesteps, mu }: SchedulerOptions): void {
  if (config.use_karras_sigmas && config.use_exponential_sigmas)
    throw new Error('scheduler: use_karras_sigmas and use_exponential_sigmas exclude each other.');
  if (mu !== undefined && !config.use_dynamic_shifting)
    throw new Error(`scheduler: ${name} takes mu only with use_dynamic_shifting.`);
  const own = (['use_karras_sigmas', 'use_lu_lambdas', 'use_exponential_sigmas', 'use_flow_sigmas'] as const).find(
    key => config[key],
  );
  if (timesteps !== undefined && own !== undefined)
    throw new Error(`scheduler: ${name} takes no timesteps with ${own}.`);
}

/** Lu et al. 2022 (DPM-Solver), arXiv 2206.00927: evenly spaced in lambda. */
function luSigmas(logs: Float64Array, count: number): number[] {
  const [high, low] = [logs.at(-1)!, logs[0]!];
  return linspace(0, 1, count).map(ramp => Math.exp(high + ramp * (low - high)));
}

function flowSigmas(shift: number, train: number, steps: number): number[] {
  return linspace(1, 1 / train, steps + 1)
    .map(signal => 1 - signal)
    .map(sigma => (shift * sigma) / (1 + (shift - 1) * sigma))
    .reverse()
    .slice(0, -1);
}

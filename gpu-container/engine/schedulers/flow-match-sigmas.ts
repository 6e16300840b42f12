/**
 * @file The sigma table of FlowMatchEulerDiscreteScheduler, with diffusers' mix of float64 and float32.
 *
 * Two habits of the original are kept because weights are tuned with them. Without custom sigmas the shift acts twice: the ends
 * of the table come from sigmas shifted at construction and are shifted again. And the default table is computed in float64,
 * a custom one in float32. `round` below is Math.fround or the identity accordingly.
 */
import { checkOptions } from './define-scheduler.ts';
import { linspace } from './numpy.ts';
import {
  type ConfigOf,
  choice,
  flag,
  integer,
  number,
  optionalNumber,
  readConfig,
  unsupported,
} from './read-config.ts';
import type { SchedulerOptions } from './scheduler.ts';

type Round = (value: number) => number;

/** diffusers' class. */
export const FLOW_MATCH_EULER = 'FlowMatchEulerDiscreteScheduler';

const FIELDS = {
  num_train_timesteps: integer(1000, 1),
  shift: number(1),
  use_dynamic_shifting: flag(false),
  base_shift: { ...optionalNumber, initial: 0.5 }, // the next four only help a pipeline to compute mu
  max_shift: { ...optionalNumber, initial: 1.15 },
  base_image_seq_len: number(256),
  max_image_seq_len: number(4096),
  invert_sigmas: flag(false),
  shift_terminal: optionalNumber,
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  time_shift_type: choice('exponential', 'linear'),
  stochastic_sampling: flag(false),
};

type Config = ConfigOf<typeof FIELDS>;

/** The noise levels of a run and the timesteps that the model is told. */
export interface FlowMatchSchedule {
  /** steps + 1 values, each exact in float32. */
  readonly sigmas: Float64Array;
  /** steps values, each exact in float32. */
  readonly timesteps: Float64Array;
  readonly stochastic: boolean;
}

/** set_timesteps of the original. */
export function buildSchedule(raw: Record<string, unknown>, options: SchedulerOptions): FlowMatchSchedule {
  const config = readConfig(FLOW_MATCH_EULER, FIELDS, raw);
  refuse(config, options);
  const train = config.num_train_timesteps;
  const custom = options.sigmas ?? options.timesteps;
  const round: Round = custom === undefined ? value => value : Math.fround;
  let sigmas = startingSigmas(config, options).map(round);
  sigmas = config.use_dynamic_shifting
    ? dynamicShift(sigmas, config.time_shift_type, options.mu!, round)
    : staticShift(sigmas, config.shift, round);
  if (config.shift_terminal !== null && config.shift_terminal !== 0)
    sigmas = stretchToTerminal(sigmas, config.shift_terminal, round);
  if (config.use_karras_sigmas) sigmas = karras(sigmas);
  else if (config.use_exponential_sigmas) sigmas = exponential(sigmas);
  sigmas = sigmas.map(Math.fround);
  let timesteps = (options.timesteps ?? sigmas.map(sigma => sigma * train)).map(Math.fround);
  if (config.invert_sigmas) {
    sigmas = sigmas.map(sigma => Math.fround(1 - sigma));
    timesteps = sigmas.map(sigma => Math.fround(sigma * train));
  }
  return {
    sigmas: Float64Array.from([...sigmas, config.invert_sigmas ? 1 : 0]),
    timesteps: Float64Array.from(timesteps),
    stochastic: config.stochastic_sampling,
  };
}

function refuse(config: Config, options: SchedulerOptions): void {
  checkOptions(FLOW_MATCH_EULER, options, ['sigmas', 'timesteps', 'mu']);
  if (config.use_karras_sigmas && config.use_exponential_sigmas)
    throw new Error('scheduler: use_karras_sigmas and use_exponential_sigmas exclude each other.');
  if (config.use_dynamic_shifting && options.mu === undefined)
    throw new Error('scheduler: use_dynamic_shifting needs mu, the shift of this resolution.');
}

/** Before shifting: the caller's, or evenly spaced between the ends of the table made at construction. */
function startingSigmas(config: Config, options: SchedulerOptions): number[] {
  const train = config.num_train_timesteps;
  if (options.sigmas !== undefined) return options.sigmas;
  if (options.timesteps !== undefined) return options.timesteps.map(t => Math.fround(t) / train);
  let ends = [train, 1].map(t => Math.fround(t / train));
  if (!config.use_dynamic_shifting) ends = staticShift(ends, config.shift, Math.fround);
  return linspace(ends[0]! * train, ends[1]! * train, options.steps).map(t => t / train);
}

function staticShift(sigmas: number[], shift: number, round: Round): number[] {
  const [times, less] = [round(shift), round(shift - 1)];
  return sigmas.map(sigma => round(round(times * sigma) / round(1 + round(less * sigma))));
}

/** Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 23; exponential as in Flux, linear as in LTX. */
function dynamicShift(sigmas: number[], type: string, mu: number, round: Round): number[] {
  const strength = round(type === 'exponential' ? Math.exp(mu) : mu);
  return sigmas.map(sigma => round(strength / round(strength + round(round(1 / sigma) - 1))));
}

/** Stretches so that the last sigma is `terminal` (LTX-Video, rf.py). */
function stretchToTerminal(sigmas: number[], terminal: number, round: Round): number[] {
  const rest = sigmas.map(sigma => round(1 - sigma));
  const factor = round(rest.at(-1)! / round(1 - terminal));
  return rest.map(r => round(1 - round(r / factor)));
}

/** Karras et al. 2022, arXiv 2206.00364, eq. 5 with rho 7, between the ends of the table. */
function karras(sigmas: number[]): number[] {
  const [high, low] = [sigmas[0]! ** (1 / 7), sigmas.at(-1)! ** (1 / 7)];
  return linspace(0, 1, sigmas.length).map(ramp => (high + ramp * (low - high)) ** 7);
}

function exponential(sigmas: number[]): number[] {
  return linspace(Math.log(sigmas[0]!), Math.log(sigmas.at(-1)!), sigmas.length).map(Math.exp);
}

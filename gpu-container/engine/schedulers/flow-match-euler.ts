/**
 * @file Euler steps along a straight path: x_t = (1 - t) x0 + t e, dx/dt = v (Lipman et al. 2023, arXiv 2210.02747). Follows
 * diffusers' `scheduling_flow_match_euler_discrete.py` (0.42.1) rounding for rounding: see flow-match-sigmas.ts.
 */
import { buildSchedule } from './flow-match-sigmas.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';

/** diffusers' FlowMatchEulerDiscreteScheduler. Configuration keys it does not know, or beta sigmas, are refused by name. */
export function createFlowMatchEuler(config: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const { sigmas, timesteps, stochastic } = buildSchedule(config, options);
  const steps = timesteps.length;

  function step(state: SchedulerState, modelOutput: Float32Array, noise?: Float32Array): SchedulerState {
    if (state.index >= steps)
      throw new RangeError(`scheduler: step ${state.index + 1} of ${steps}; the schedule is over.`);
    sameLength('model output', modelOutput, state.sample);
    const sigma = sigmas[state.index]!;
    const next = sigmas[state.index + 1]!;
    const sample = stochastic
      ? renoise(state.sample, modelOutput, sigma, next, noise)
      : advance(state.sample, modelOutput, Math.fround(next - sigma));
    return { ...state, index: state.index + 1, sample };
  }

  function addNoise(sample: Float32Array, noise: Float32Array, timestepIndex: number): Float32Array {
    const sigma = sigmas[timestepIndex];
    if (sigma === undefined || timestepIndex >= steps)
      throw new RangeError(`scheduler: got timestep index ${timestepIndex}; 0 to ${steps - 1} are allowed.`);
    sameLength('noise', noise, sample);
    return mix(sample, Math.fround(1 - sigma), noise, sigma);
  }

  return {
    timesteps,
    sigmas,
    initNoiseSigma: 1,
    order: 1,
    initialState: sample => ({ index: 0, sample, history: [], scalars: {} }),
    scaleModelInput: state => state.sample,
    step,
    addNoise,
    noiseDraws: () => (stochastic ? 1 : 0),
  };
}

/** sample + dt * velocity, each product rounded to float32 as torch does. */
function advance(sample: Float32Array, velocity: Float32Array, dt: number): Float32Array {
  return sample.map((x, i) => x + Math.fround(dt * velocity[i]!));
}

/** `stochastic_sampling`: jump to the predicted clean sample, then noise it to the next sigma. */
function renoise(
  sample: Float32Array,
  velocity: Float32Array,
  sigma: number,
  next: number,
  noise: Float32Array | undefined,
): Float32Array {
  if (noise === undefined) throw new Error('scheduler: stochastic_sampling needs noise in each step.');
  sameLength('noise', noise, sample);
  const clean = sample.map((x, i) => x - Math.fround(sigma * velocity[i]!));
  return mix(clean, Math.fround(1 - next), noise, next);
}

function mix(a: Float32Array, weightA: number, b: Float32Array, weightB: number): Float32Array {
  return a.map((x, i) => Math.fround(weightA * x) + Math.fround(weightB * b[i]!));
}

function sameLength(what: string, got: Float32Array, sample: Float32Array): void {
  if (got.length !== sample.length)
    throw new RangeError(`scheduler: ${what} has ${got.length} values, the sample ${sample.length}.`);
}

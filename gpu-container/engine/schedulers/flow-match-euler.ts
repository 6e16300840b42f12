/**
 * @file Euler steps along a straight path: x_t = (1 - t) x0 + t e, dx/dt = v (Lipman et al. 2023, arXiv 2210.02747). Follows
 * diffusers' `scheduling_flow_match_euler_discrete.py` (0.42.1) rounding for rounding: see flow-match-sigmas.ts.
 */
import { defineScheduler } from './define-scheduler.ts';
import { buildSchedule, FLOW_MATCH_EULER } from './flow-match-sigmas.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { mix } from './vectors.ts';

/** diffusers' FlowMatchEulerDiscreteScheduler. With `stochastic_sampling` it jumps to x0 and draws the noise of the next sigma. */
export function createFlowMatchEuler(config: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const { sigmas, timesteps, stochastic } = buildSchedule(config, options);

  function advance({ index, sample }: SchedulerState, velocity: Float32Array, noise: Float32Array) {
    const sigma = sigmas[index]!;
    const next = sigmas[index + 1]!;
    if (!stochastic) return { sample: mix(1, sample, next - sigma, velocity) };
    return { sample: mix(1 - next, mix(1, sample, -sigma, velocity), next, noise) };
  }

  return defineScheduler({
    name: FLOW_MATCH_EULER,
    timesteps,
    sigmas,
    advance,
    addNoise: (sample, noise, index) => mix(1 - sigmas[index]!, sample, sigmas[index]!, noise),
    noiseDraws: () => (stochastic ? 1 : 0),
  });
}

import type { Scheduler, SchedulerState } from './schedulers/scheduler.ts';

/** The (guided) velocity or noise for latents [1, C, T, H, W] at a scheduler timestep; same length out. */
export type Denoiser = (latents: Float32Array, timestep: number) => Promise<Float32Array>;

/** What a caller may watch or stop between steps. */
export interface SampleOptions {
  readonly scheduler: Scheduler;
  /** Standard normal, the latent's size; scaled here by initNoiseSigma. Not modified. */
  readonly noise: Float32Array;
  readonly denoise: Denoiser;
  /** Fresh noise of the latent's size for schedulers that draw in their steps. */
  readonly drawNoise?: () => Float32Array;
  /** After each step: steps done, of how many. */
  readonly onStep?: (step: number, steps: number) => void;
  /**
   * Awaited before each step and after the last, with the state so far. Reject to stop: a cancel is honoured within one step.
   */
  readonly checkpoint?: (state: SchedulerState) => Promise<void>;
}

/** Noise to a clean latent: denoise and step over the scheduler's whole table. Returns what `checkpoint` rejects with, if it does. */
export async function sample(options: SampleOptions): Promise<Float32Array> {
  const { scheduler, denoise, onStep, checkpoint } = options;
  const steps = scheduler.timesteps.length;
  const scale = Math.fround(scheduler.initNoiseSigma);
  let state = scheduler.initialState(options.noise.map(value => value * scale));
  for (let i = 0; i < steps; i++) {
    await checkpoint?.(state);
    const output = await denoise(scheduler.scaleModelInput(state), scheduler.timesteps[i]!);
    let noise: Float32Array | undefined;
    for (let draws = scheduler.noiseDraws(state); draws > 0; draws--) noise = options.drawNoise?.();
    state = scheduler.step(state, output, noise);
    onStep?.(i + 1, steps);
  }
  await checkpoint?.(state);
  return state.sample;
}

import type { Scheduler, SchedulerState } from './schedulers/scheduler.ts';

/** The (guided) velocity or noise for latents [1, C, T, H, W] at a scheduler timestep; same length out. */
export type Denoiser = (latents: Float32Array, timestep: number) => Promise<Float32Array>;

/** Where a run begins: at noise, or between two steps of an earlier run. */
export type SampleStart =
  /** Standard normal, the latent's size; scaled here by initNoiseSigma. Not modified. */
  | { readonly noise: Float32Array; readonly resumeFrom?: never }
  /** A state that `checkpoint` was given; after the last step there is nothing left to do. Not modified. */
  | { readonly resumeFrom: SchedulerState; readonly noise?: never };

/** How a run goes on, and what a caller may watch or stop between steps. */
export interface SampleRun {
  readonly scheduler: Scheduler;
  readonly denoise: Denoiser;
  /**
   * Fresh noise of the latent's size for schedulers that draw in their steps. Called within a step only, so a generator saved in
   * `checkpoint` and restored with the state goes on with the same draws.
   */
  readonly drawNoise?: () => Float32Array;
  /** After each step: steps done, those before a resumption too, of how many. */
  readonly onStep?: (step: number, steps: number) => void;
  /**
   * Awaited before each step and after the last, with the state so far. Reject to stop: a cancel is honoured within one step.
   */
  readonly checkpoint?: (state: SchedulerState) => Promise<void>;
}

/** Everything `sample` needs. */
export type SampleOptions = SampleRun & SampleStart;

/**
 * Noise to a clean latent: denoise and step over what is left of the scheduler's table. Resumed from a state of `checkpoint`, it
 * gives the same bits as the run that the state is from. Rejects with what `checkpoint` rejects with.
 */
export async function sample(options: SampleOptions): Promise<Float32Array> {
  const { scheduler, denoise, onStep, checkpoint } = options;
  const steps = scheduler.timesteps.length;
  let state = startingState(scheduler, options);
  for (let i = state.index; i < steps; i++) {
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

function startingState(scheduler: Scheduler, start: SampleStart): SchedulerState {
  if (start.resumeFrom === undefined) {
    const scale = Math.fround(scheduler.initNoiseSigma);
    return scheduler.initialState(start.noise.map(value => value * scale));
  }
  const { index } = start.resumeFrom;
  const steps = scheduler.timesteps.length;
  if (!Number.isInteger(index) || index < 0 || index > steps)
    throw new RangeError(`sampler: cannot resume after ${index} of ${steps} steps.`);
  return start.resumeFrom;
}

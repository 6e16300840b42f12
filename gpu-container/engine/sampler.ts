import { type EasyCacheRule, type EasyCacheState, rememberOutput, reuseOutput } from './caching/easy-cache.ts';
import { firstNotFinite, NotFiniteError } from './frames.ts';
import type { Scheduler, SchedulerState } from './schedulers/scheduler.ts';

/** The (guided) velocity or noise for a scaled sample at a scheduler timestep; same length out. `step` counts from 0. */
export type Denoiser = (sample: Float32Array, timestep: number, step: number) => Promise<Float32Array>;

/** Where a run begins. */
export type SampleStart =
  /** Standard normal, the sample's size; scaled here by initNoiseSigma. Not modified. */
  | { readonly noise: Float32Array; readonly clean?: never; readonly resumeFrom?: never }
  /** A clean sample, noised to where `timesteps[startIndex]` starts: video-to-video. Neither is modified. */
  | {
      readonly clean: Float32Array;
      readonly noise: Float32Array;
      readonly startIndex: number;
      readonly resumeFrom?: never;
    }
  /** A state that `checkpoint` was given; after the last step there is nothing left to do. Not modified. */
  | { readonly resumeFrom: SampleState };

/** Where a run stands between two steps: plain data, all that the rest of it depends on beside the generator. */
export interface SampleState {
  readonly scheduler: SchedulerState;
  /** null: of a run without step caching, or before its first step. */
  readonly cache: EasyCacheState | null;
}

/** How a run goes on, and what a caller may watch or stop between steps. */
export interface SampleRun {
  readonly scheduler: Scheduler;
  readonly denoise: Denoiser;
  /** Relative change that skipped denoiser runs may add up to; undefined or 0: none is skipped. See caching/easy-cache.ts. */
  readonly stepCache?: number | undefined;
  /** Where the run began, also if this is a resumption: later than 0 for video-to-video. */
  readonly firstStep?: number | undefined;
  /**
   * Fresh noise of the sample's size for schedulers that draw in their steps. Called within a step only, so a generator saved in
   * `checkpoint` and restored with the state goes on with the same draws.
   */
  readonly drawNoise?: () => Float32Array;
  /** After each step: steps done, those before a resumption too, of how many. */
  readonly onStep?: (step: number, steps: number, state: SampleState) => void;
  /**
   * Awaited before each step and after the last, with the state so far. Reject to stop: a cancel is honoured within one step.
   */
  readonly checkpoint?: (state: SampleState) => Promise<void>;
}

/** Everything `sample` needs. */
export type SampleOptions = SampleRun & SampleStart;

/** Steps that are always computed at the start with step caching: the output changes most there. */
const FIRST_STEPS = 5;

/**
 * Noise to a clean latent: denoise and step over what is left of the scheduler's table. Resumed from a state of `checkpoint`, it
 * gives the same bits as the run that the state is from. Rejects with what `checkpoint` rejects with, and NotFiniteError.
 */
export async function sample(options: SampleOptions): Promise<Float32Array> {
  const { scheduler, denoise, onStep, checkpoint } = options;
  const steps = scheduler.timesteps.length;
  const rule = { threshold: options.stepCache ?? 0, firstSteps: (options.firstStep ?? 0) + FIRST_STEPS, steps };
  let { scheduler: state, cache } = startingState(scheduler, options);
  for (let i = state.index; i < steps; i++) {
    await checkpoint?.({ scheduler: state, cache });
    const input = scheduler.scaleModelInput(state);
    const run = await outputOf(rule, cache, i, input, () => denoise(input, scheduler.timesteps[i]!, i));
    cache = run.cache;
    let noise: Float32Array | undefined;
    for (let draws = scheduler.noiseDraws(state); draws > 0; draws--) noise = options.drawNoise?.();
    state = scheduler.step(state, run.output, noise);
    if (firstNotFinite(state.sample) !== -1)
      throw new NotFiniteError(`after step ${i + 1} of ${steps} the latent holds a value that is no number`);
    onStep?.(i + 1, steps, { scheduler: state, cache });
  }
  await checkpoint?.({ scheduler: state, cache });
  return state.sample;
}

async function outputOf(
  rule: EasyCacheRule,
  cache: EasyCacheState | null,
  step: number,
  input: Float32Array,
  denoise: () => Promise<Float32Array>,
): Promise<{ readonly output: Float32Array; readonly cache: EasyCacheState | null }> {
  if (rule.threshold === 0) return { output: await denoise(), cache: null };
  const reused = reuseOutput(rule, cache ?? undefined, step, input);
  if (reused !== undefined) return { output: reused.output, cache: reused.state };
  const output = await denoise();
  return { output, cache: rememberOutput(cache ?? undefined, input, output) };
}

function startingState(scheduler: Scheduler, start: SampleStart): SampleState {
  const steps = scheduler.timesteps.length;
  if ('resumeFrom' in start && start.resumeFrom !== undefined) {
    const { index } = start.resumeFrom.scheduler;
    if (!Number.isInteger(index) || index < 0 || index > steps)
      throw new RangeError(`sampler: cannot resume after ${index} of ${steps} steps.`);
    return start.resumeFrom;
  }
  if (start.clean !== undefined) {
    const { clean, noise, startIndex } = start;
    const noised = scheduler.addNoise(clean, noise, startIndex);
    return { scheduler: { ...scheduler.initialState(noised), index: startIndex }, cache: null };
  }
  const scale = Math.fround(scheduler.initNoiseSigma);
  return { scheduler: scheduler.initialState(start.noise.map(value => value * scale)), cache: null };
}

/**
 * Where video-to-video starts, an index of `timesteps`: diffusers' N - min(int(N · strength), N) steps of the method left out.
 * RangeError where no step would be left.
 */
export function startIndexOf(strength: number, steps: number, scheduler: Scheduler): number {
  const kept = Math.min(Math.trunc(steps * strength), steps);
  if (kept < 1)
    throw new RangeError(`strength: ${strength} of ${steps} steps leaves none to do; at least ${1 / steps} is needed.`);
  return (steps - kept) * scheduler.order;
}

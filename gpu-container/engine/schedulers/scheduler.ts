/**
 * What every scheduler is: a table of sigmas and timesteps fixed at creation, and pure steps over plain state. Arrays are
 * row-major, batch first. No scheduler draws random numbers; noise comes in.
 */
export interface Scheduler {
  /** What the denoiser is told, as diffusers exposes it. */
  readonly timesteps: Float64Array;
  /** One more entry than timesteps: the last is where the sample arrives. */
  readonly sigmas?: Float64Array;
  /** Pure noise times this is a first sample; the caller multiplies. */
  readonly initNoiseSigma: number;
  /** Denoiser calls per step of the method. */
  readonly order: number;
  /** The state before the first step; does not scale. A late start is `{ ...initialState(x), index: k }`. */
  initialState(sample: Float32Array): SchedulerState;
  /** What to feed the denoiser; changes no state. */
  scaleModelInput(state: SchedulerState): Float32Array;
  /**
   * The state one step on, for the (guided) denoiser output. `noise` is ignored when unused; it is an error when it is needed
   * and missing, and to step past the end.
   */
  step(state: SchedulerState, modelOutput: Float32Array, noise?: Float32Array): SchedulerState;
  /** A clean sample noised to where timesteps[timestepIndex] starts. */
  addNoise(sample: Float32Array, noise: Float32Array, timestepIndex: number): Float32Array;
  /** Noise tensors diffusers draws in the coming step: draw that many, pass the last, and seeds stay in step. */
  noiseDraws(state: SchedulerState): number;
}

/** All a sampler must remember between steps: what a checkpoint stores. */
export interface SchedulerState {
  readonly index: number;
  readonly sample: Float32Array;
  /** Earlier outputs of multistep methods, oldest first. */
  readonly history: readonly Float32Array[];
  readonly scalars: Readonly<Record<string, number>>;
}

/** What a run asks of a scheduler. */
export interface SchedulerOptions {
  /** num_inference_steps; with `sigmas` or `timesteps` it equals their length. */
  steps: number;
  sigmas?: number[];
  timesteps?: number[];
  /** The resolution's shift, where the config asks for dynamic shifting. */
  mu?: number;
  /** Reserved: no scheduler draws. */
  seed?: number | bigint;
  /** diffusers' step default where undefined. */
  eta?: number;
  /** Only for dynamic thresholding. */
  batch?: number;
}

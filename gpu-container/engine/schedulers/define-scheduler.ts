/** @file The checks every scheduler owes its callers, around the mathematics that is its own. */
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';

/** What a step leaves beside its index; nothing but a sample for methods without memory. */
export type Advance = Pick<SchedulerState, 'sample'> & Partial<Pick<SchedulerState, 'history' | 'scalars'>>;

/** One sampling method over its table. */
export interface Method {
  /** diffusers' class, for errors. */
  readonly name: string;
  readonly timesteps: ArrayLike<number>;
  readonly sigmas?: ArrayLike<number>;
  /** 1 if not given. */
  readonly initNoiseSigma?: number;
  /** 1 if not given. */
  readonly order?: number;
  /** Called with an index inside the table, arrays of one length, and noise where noiseDraws asks for it. Modifies nothing. */
  advance(state: SchedulerState, output: Float32Array, noise: Float32Array): Advance;
  /** The sample itself if not given. */
  scaleModelInput?(state: SchedulerState): Float32Array;
  addNoise(sample: Float32Array, noise: Float32Array, timestepIndex: number): Float32Array;
  /** 0 if not given. */
  noiseDraws?(state: SchedulerState): number;
}

/** The scheduler of a method. RangeError: steps past the end, indices outside the table, arrays of unequal length. */
export function defineScheduler(method: Method): Scheduler {
  const timesteps = Float64Array.from(method.timesteps);
  const steps = timesteps.length;
  const sigmas = method.sigmas && Float64Array.from(method.sigmas);
  const inTable = (index: number) => Number.isInteger(index) && index >= 0 && index < steps;
  for (const value of [...timesteps, ...(sigmas ?? [])])
    if (!Number.isFinite(value))
      throw new RangeError(`scheduler: these settings of ${method.name} give a table with ${value}.`);
  const noiseDraws = (state: SchedulerState) => (inTable(state.index) ? (method.noiseDraws?.(state) ?? 0) : 0);

  function step(state: SchedulerState, modelOutput: Float32Array, noise?: Float32Array): SchedulerState {
    const { index } = state;
    if (!inTable(index)) throw new RangeError(`scheduler: step ${index + 1} of ${steps}; the schedule is over.`);
    sameLength('model output', modelOutput, state.sample);
    const needed = noiseDraws(state) > 0;
    if (needed && noise === undefined)
      throw new Error(`scheduler: ${method.name} needs noise in step ${index + 1} of ${steps}.`);
    if (needed) sameLength('noise', noise!, state.sample);
    return { ...state, ...method.advance(state, modelOutput, noise ?? NO_NOISE), index: index + 1 };
  }

  function addNoise(sample: Float32Array, noise: Float32Array, timestepIndex: number): Float32Array {
    if (!inTable(timestepIndex))
      throw new RangeError(`scheduler: got timestep index ${timestepIndex}; 0 to ${steps - 1} are allowed.`);
    sameLength('noise', noise, sample);
    return method.addNoise(sample, noise, timestepIndex);
  }

  return {
    timesteps,
    ...(sigmas && { sigmas }),
    initNoiseSigma: method.initNoiseSigma ?? 1,
    order: method.order ?? 1,
    initialState: sample => ({ index: 0, sample, history: [], scalars: {} }),
    scaleModelInput: state => method.scaleModelInput?.(state) ?? state.sample,
    step,
    addNoise,
    noiseDraws,
  };
}

const NO_NOISE = new Float32Array(0);

function sameLength(what: string, got: Float32Array, sample: Float32Array): void {
  if (got.length !== sample.length)
    throw new RangeError(`scheduler: ${what} has ${got.length} values, the sample ${sample.length}.`);
}

/** What of the options a class takes beside `steps`, `eta`, `batch` and `seed`. */
export type Taken = 'sigmas' | 'timesteps' | 'mu';

/** Refuses counts that do not agree and options that diffusers' class has no argument for. */
export function checkOptions(name: string, options: SchedulerOptions, taken: readonly Taken[], spareSigmas = 0): void {
  const { steps, eta, batch = 1 } = options;
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`scheduler: got ${steps} steps; 1 or more are needed.`);
  if (!Number.isInteger(batch) || batch < 1) throw new RangeError(`scheduler: got a batch of ${batch}.`);
  if (eta !== undefined && !(eta >= 0 && eta <= 1))
    throw new RangeError(`scheduler: got eta ${eta}; 0 to 1 are allowed.`);
  for (const key of ['sigmas', 'timesteps', 'mu'] as const)
    if (options[key] !== undefined && !taken.includes(key)) throw new Error(`scheduler: ${name} takes no ${key}.`);
  for (const key of ['sigmas', 'timesteps'] as const) {
    const list = options[key];
    if (list === undefined) continue;
    const spare = key === 'sigmas' ? spareSigmas : 0;
    if (list.length < steps || list.length > steps + spare)
      throw new RangeError(`scheduler: got ${list.length} ${key} for ${steps} steps; the counts must agree.`);
    if (!list.every(Number.isFinite)) throw new RangeError(`scheduler: got ${key} that are not all numbers.`);
  }
}

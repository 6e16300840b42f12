/** Runs our schedulers over the cases of exporter/oracle/schedulers.py and measures how far they are from diffusers. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createScheduler,
  type Scheduler,
  type SchedulerOptions,
  type SchedulerState,
} from '#gpu-container/engine/schedulers/create-scheduler.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
/** Sizes of the oracle's samples. */
const SMALL = 16;
const LARGE = 4096;

/** One line of a fixture; see the script for the fields. */
export interface OracleCase {
  readonly config: Record<string, unknown>;
  readonly options: SchedulerOptions;
  readonly start?: number;
  readonly large?: boolean;
  readonly smooth?: boolean;
  readonly refused?: string;
  readonly initNoiseSigma: number;
  readonly order: number;
  readonly timesteps: readonly number[];
  readonly sigmas?: string;
  readonly noiseDraws: number | readonly number[];
  readonly trail?: string;
  readonly exact: string;
  readonly noised?: string;
  readonly sums?: readonly (readonly [number, number])[];
}

/** Classes that have a fixture. */
export const CLASSES = readdirSync(FIXTURES)
  .filter(file => file.endsWith('.json'))
  .map(file => file.slice(0, -5));

export function readCases(className: string): OracleCase[] {
  return JSON.parse(readFileSync(join(FIXTURES, `${className}.json`), 'utf8')).cases;
}

/** The oracle's numbers: multiples of 2^-14 in [-2, 2). */
export function stream(seed: number, count: number): Float32Array {
  let state = (Math.imul(seed, 747796405) + 2891336453) >>> 0;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (((state >>> 8) & 0xffff) - 32768) / 16384;
  }
  return values;
}

export function unpack(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  return new Float32Array(bytes.buffer);
}

/** The stand-in for a denoiser. */
export function model(entry: OracleCase, input: Float32Array, call: number): Float32Array {
  const weight = Math.fround(0.4);
  const own = stream(entry.smooth ? 10 : 10 + call, input.length);
  return own.map((value, i) => Math.fround(weight * input[i]!) + value);
}

/** State by state what our scheduler makes of a case; `pass` stands between two steps. */
export function replay(
  entry: OracleCase,
  scheduler: Scheduler,
  pass: (state: SchedulerState) => SchedulerState = state => state,
): { states: SchedulerState[]; draws: number[] } {
  const start = entry.start ?? 0;
  let state: SchedulerState = {
    ...scheduler.initialState(stream(1, entry.large ? LARGE : SMALL)),
    index: start,
  };
  const states: SchedulerState[] = [];
  const draws: number[] = [];
  let drawn = 0;
  for (let index = start; index < scheduler.timesteps.length; index++) {
    state = pass(state);
    const output = model(entry, scheduler.scaleModelInput(state), index - start);
    draws.push(scheduler.noiseDraws(state));
    drawn += draws.at(-1)!;
    const noise = draws.at(-1)! > 0 ? stream(1000 + drawn - 1, output.length) : undefined;
    state = scheduler.step(state, output, noise);
    states.push(state);
  }
  return { states, draws };
}

/** How far we are from diffusers in one case. */
export interface Deviation {
  /** Worst over all steps and values, relative to the largest value of the step. */
  readonly sample: number;
  /** Likewise of addNoise. */
  readonly noised: number;
  /** Worst relative error of a sigma. */
  readonly sigma: number;
  /** Worst absolute error of a timestep. */
  readonly timestep: number;
  /** Of the sums of a large sample, relative to the sum of its sizes. */
  readonly sum: number;
  /** Whether the run is bit for bit what diffusers gives where torch rounds its elementary functions correctly. */
  readonly exact: boolean;
}

export function deviation(
  entry: OracleCase,
  scheduler = createScheduler(entry.config, entry.options),
  states = replay(entry, scheduler).states,
): Deviation {
  const count = scheduler.timesteps.length;
  const wanted = entry.trail ? rows(unpack(entry.trail), SMALL) : [];
  const at = [...new Set([0, Math.floor(count / 2), count - 1])];
  const noised = at.map(index => scheduler.addNoise(stream(2, SMALL), stream(3, SMALL), index));
  const sigmas = entry.sigmas ? unpack(entry.sigmas) : [];
  return {
    sample: worst(wanted.map((want, i) => relative(states[i]!.sample, want))),
    noised: entry.noised ? worst(rows(unpack(entry.noised), SMALL).map((want, i) => relative(noised[i]!, want))) : 0,
    sigma: worst(Array.from(sigmas, (want, i) => Math.abs(scheduler.sigmas![i]! - want) / Math.max(want, 1e-10))),
    timestep: worst(entry.timesteps.map((want, i) => Math.abs(scheduler.timesteps[i]! - want))),
    sum: worst(
      (entry.sums ?? []).map(([sum, sizes], i) => {
        const { sample } = states[i]!;
        const got = sample.reduce((total, x) => total + x, 0);
        const gotSizes = sample.reduce((total, x) => total + Math.abs(x), 0);
        return Math.max(Math.abs(got - sum), Math.abs(gotSizes - sizes)) / sizes;
      }),
    ),
    exact: digest(states).startsWith(entry.exact),
  };
}

function digest(states: readonly SchedulerState[]): string {
  const hash = createHash('sha256');
  for (const { sample } of states) hash.update(new Uint8Array(sample.buffer, sample.byteOffset, sample.byteLength));
  return hash.digest('hex');
}

function rows(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

function relative(got: Float32Array, want: Float32Array): number {
  const scale = worst(Array.from(want, Math.abs));
  return worst(Array.from(want, (value, i) => Math.abs(got[i]! - value))) / scale;
}

/** NaN wins. */
function worst(errors: readonly number[]): number {
  return errors.reduce((most, error) => Math.max(most, error), 0);
}

import { describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '#gpu-container/engine/checkpoint.ts';
import { createScheduler, type SchedulerState } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import { CLASSES, deviation, model, type OracleCase, readCases, replay, stream } from './replay.ts';

/** Relative to the largest value of a sample, at every step. */
const SAMPLE_TOLERANCE = 1e-5;
/** Some twelve ulp of float32: torch's vectorized square root and logarithm are off by one, and differently on another CPU. */
const SIGMA_TOLERANCE = 1e-6;
const SUM_TOLERANCE = 1e-5;
/** Of a thousand, where they are fractions: read off a table of sigmas that may differ by some ulp. */
const TIMESTEP_TOLERANCE = 6e-4;

const say = ({ config, options, start }: OracleCase) => {
  const { _class_name, ...rest } = config;
  return `${JSON.stringify(rest)} ${JSON.stringify(options)}${start ? ` from ${start}` : ''}`;
};

function throughBytes(state: SchedulerState): SchedulerState {
  const [bundleDigest, requestHash] = ['ab'.repeat(32), 'cd'.repeat(32)];
  const steps = 2 ** 20;
  const run = { bundleDigest, requestHash, step: state.index, steps, scheduler: state, rng: null, cache: null };
  return decodeCheckpoint(encodeCheckpoint(run)).scheduler;
}

describe.each(CLASSES)('%s', name => {
  const cases = readCases(name);
  const answered = cases.filter(entry => entry.refused === undefined).map(entry => [say(entry), entry] as const);
  const refused = cases.filter(entry => entry.refused !== undefined).map(entry => [say(entry), entry] as const);

  const small = answered.filter(([, entry]) => !entry.large);

  test('is compared with diffusers in at least forty cases', () => {
    expect(answered.length).toBeGreaterThanOrEqual(40);
  });

  test.each(answered)('goes as diffusers goes, table and every step: %s', (_, entry) => {
    const scheduler = createScheduler(entry.config, entry.options);
    expect(scheduler.order).toBe(entry.order);
    expect(scheduler.timesteps.length).toBe(entry.timesteps.length);
    expect(scheduler.sigmas === undefined).toBe(entry.sigmas === undefined);
    expect(Math.abs(scheduler.initNoiseSigma / entry.initNoiseSigma - 1)).toBeLessThanOrEqual(SIGMA_TOLERANCE);
    const { states, draws } = replay(entry, scheduler);
    expect(draws).toEqual(
      Array.isArray(entry.noiseDraws) ? entry.noiseDraws : draws.map(() => entry.noiseDraws as number),
    );
    const far = deviation(entry, scheduler, states);
    if (entry.timesteps.every(Number.isInteger)) expect([...scheduler.timesteps]).toEqual(entry.timesteps);
    expect(far.timestep).toBeLessThanOrEqual(TIMESTEP_TOLERANCE);
    expect(far.sigma).toBeLessThanOrEqual(SIGMA_TOLERANCE);
    expect(far.noised).toBeLessThanOrEqual(SAMPLE_TOLERANCE);
    expect(far.sample).toBeLessThanOrEqual(SAMPLE_TOLERANCE);
    expect(far.sum).toBeLessThanOrEqual(SUM_TOLERANCE);
    // LAPACK solves three equations in an order of its own.
    if (!(name === 'UniPCMultistepScheduler' && entry.config.solver_order === 3)) expect(far.exact).toBe(true);
  });

  test('a run that goes through bytes after every step is the same, bit for bit', () => {
    for (const [say, entry] of small) {
      const scheduler = createScheduler(entry.config, entry.options);
      const through = replay(entry, scheduler, throughBytes).states.at(-1)!;
      expect(through, say).toEqual(replay(entry, scheduler).states.at(-1)!);
    }
  });

  test('a step modifies nothing it is given, and keeps no array of the denoiser', () => {
    for (const [say, entry] of small) {
      const scheduler = createScheduler(entry.config, entry.options);
      const noise = stream(1000, 16);
      replay(entry, scheduler, state => {
        const output = model(entry, scheduler.scaleModelInput(state), state.index);
        const before = [throughBytes(state), output.slice(), noise.slice()];
        const next = scheduler.step(state, output, noise);
        expect([throughBytes(state), output, noise], say).toEqual(before);
        for (const kept of [next.sample, ...next.history]) expect(kept === output || kept === noise, say).toBe(false);
        return state;
      });
    }
  });

  test.runIf(refused.length > 0)('refuses what diffusers refuses or answers with NaN', () => {
    for (const [say, entry] of refused)
      expect(() => replay(entry, createScheduler(entry.config, entry.options)), say).toThrow('scheduler: ');
  });
});

import { describe, expect, test } from 'vitest';
import { createTorchRng, restoreTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import oracle from './fixtures/torch-rng.json' with { type: 'json' };

/** torch's vectorised log, sin and cos differ from libm's in the last places: values reach 5, so 2e-6 is some 4 ulp. */
const TOLERANCE = 2e-6;

interface Summary {
  n: number;
  first: number[];
  last: number[];
  sum: number;
  ramp: number;
}

function expectLike(values: Float32Array, want: Summary): void {
  expect(values.length).toBe(want.n);
  const near = (got: Float32Array, list: number[]) => {
    expect(got.length).toBe(list.length);
    list.forEach((value, i) => {
      expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(TOLERANCE);
    });
  };
  near(values.subarray(0, 100), want.first);
  near(values.subarray(Math.max(0, want.n - 16)), want.last);
  const sum = values.reduce((total, value) => total + value, 0);
  const ramp = values.reduce((total, value, i) => total + value * (i + 1), 0) / want.n;
  expect(Math.abs(sum - want.sum)).toBeLessThan(want.n * TOLERANCE);
  expect(Math.abs(ramp - want.ramp)).toBeLessThan(want.n * TOLERANCE);
}

describe('a seed gives the noise it gives in torch', () => {
  test.each(oracle.draws)('seed $seed, $n values', draw => {
    expectLike(createTorchRng(draw.seed).randn(draw.n), draw);
  });

  test('over calls of mixed sizes, the spare sine kept across longer draws', () => {
    const rng = createTorchRng(oracle.sequence.seed);
    for (const draw of oracle.sequence.draws) expectLike(rng.randn(draw.n), draw);
  });

  test('of 64 bits: the low 32 count', () => {
    expectLike(createTorchRng(BigInt(oracle.wideSeed.text)).randn(oracle.wideSeed.n), oracle.wideSeed);
    expectLike(createTorchRng(Number(oracle.wideSeed.text)).randn(oracle.wideSeed.n), oracle.wideSeed);
  });
});

test('a restored generator goes on where the saved one was, and saving disturbs neither', () => {
  const rng = createTorchRng(42);
  rng.randn(7);
  const state = rng.save();
  const want = [rng.randn(5), rng.randn(700), rng.randn(3)];
  const restored = restoreTorchRng(state);
  expect([restored.randn(5), restored.randn(700), restored.randn(3)]).toEqual(want);
  expect(restoreTorchRng(state).randn(5)).toEqual(want[0]);
});

test('no values is an empty draw that moves nothing; a bad count throws', () => {
  const rng = createTorchRng(1);
  expect(rng.randn(0).length).toBe(0);
  expect(rng.randn(4)).toEqual(createTorchRng(1).randn(4));
  expect(() => rng.randn(-1)).toThrow('0 or more');
});

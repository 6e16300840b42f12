import { expect, test } from 'vitest';
import { fuzzGraphs, makeGraph } from './graphs.ts';

test('twenty thousand malformed graphs: each is read or refused in words, at once', async () => {
  const report = await fuzzGraphs({ count: 20_000, seed: 20_261_121 });
  expect(report.findings).toEqual([]);
  expect(report.slowestMs).toBeLessThan(500);
  expect(report.accepted).toBeGreaterThan(100);
  expect(Object.keys(report.refusals).length).toBeGreaterThan(20);
});

test('the same seed and number are the same bytes', () => {
  for (const n of [0, 77, 999_999]) expect(makeGraph(3, n)).toEqual(makeGraph(3, n));
  expect(makeGraph(3, 1)).not.toEqual(makeGraph(4, 1));
});

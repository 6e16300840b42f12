import { describe, expect, test } from 'vitest';
import { fixedPrompts, QUICK_PROMPTS } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { attributeRates, ratesOf } from '#gpu-container/evaluation/world/rates.ts';
import { compareReading, type Reading } from '#gpu-container/evaluation/world/readings.ts';

const ball = { color: 'red', shape: 'ball', motion: 'up' } as const;
const star = { color: 'blue', shape: 'star', motion: 'spin' } as const;
const one: Reading = { background: 'sea', camera: 'static', place: 'single', things: [ball] };
const two: Reading = { background: 'sea', camera: 'static', place: 'beside', things: [ball, star] };
const row = (want: Reading, got: Reading | null) => ({ want, got });

describe('readings', () => {
  test('are right only where every object is', () => {
    const got = { ...two, things: [ball, { ...star, color: 'green' as const }] };
    expect(compareReading(two, two).all).toBe(true);
    expect(compareReading(two, got)).toMatchObject({
      place: true,
      color: false,
      shape: true,
      motion: true,
      all: false,
    });
  });

  test('have no object right when there are too many or too few', () => {
    expect(compareReading(two, one)).toMatchObject({ background: true, place: false, color: false, shape: false });
    expect(compareReading(one, { ...two, place: 'single' })).toMatchObject({ place: true, color: false, all: false });
  });
});

describe('rates', () => {
  test('count each of two objects by itself, and a missing one as wrong', () => {
    const half = { ...two, things: [ball, { ...star, motion: 'still' as const }] };
    const rates = ratesOf([row(two, two), row(two, half), row(two, one), row(one, one)]);
    expect(rates).toMatchObject({ clips: 4, eachOfTwo: 50, percent: { all: 50, color: 75, motion: 50 } });
  });

  test('count a clip that could not be made as wrong, and tell of two only where two are asked for', () => {
    expect(ratesOf([row(one, one), row(one, null)])).toMatchObject({
      eachOfTwo: null,
      percent: { all: 50, place: 50 },
    });
    expect(ratesOf([row(two, two), row(two, null)]).eachOfTwo).toBe(50);
  });

  test('tell what was asked for apart', () => {
    const rates = attributeRates([row(one, { ...one, camera: 'zoom in' }), row(two, two)]);
    const percents = Object.fromEntries(Object.entries(rates).map(([name, { percent }]) => [name, percent.all]));
    expect(percents).toEqual({
      'background sea': 50,
      'camera static': 50,
      'place single': 0,
      'place beside': 100,
      'shape ball': 0,
      'motion up': 0,
    });
  });
});

describe('the fixed prompts', () => {
  const rows = fixedPrompts();
  const part = (of: typeof rows, isIn: (prompt: (typeof rows)[0]) => boolean) => of.filter(isIn).length / of.length;

  test('are 256, no two alike', () => {
    expect(rows.length).toBe(256);
    expect(new Set(rows.map(({ seed }) => seed)).size).toBe(256);
    expect(new Set(rows.map(({ prompt }) => prompt)).size).toBe(256);
  });

  test('begin with a sample whose shares are those of all', () => {
    const quick = rows.slice(0, QUICK_PROMPTS);
    for (const isIn of [
      (prompt: (typeof rows)[0]) => prompt.unseen,
      (prompt: (typeof rows)[0]) => prompt.paraphrase,
      (prompt: (typeof rows)[0]) => prompt.placing === 'single',
      (prompt: (typeof rows)[0]) => prompt.placing === 'stacked',
    ])
      expect(Math.abs(part(quick, isIn) - part(rows, isIn))).toBeLessThan(0.08);
  });

  test('ask for one object or two, as their scenes have them', () => {
    for (const { want, placing, scene } of rows) {
      expect(want.place).toBe(placing);
      expect(want.things.length).toBe(placing === 'single' ? 1 : 2);
      expect(scene.things.length).toBe(want.things.length);
    }
  });
});

import { describe, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { alertAt, parseBudget } from '#core/accounts/budget.ts';
import { addMicros, formatDollars, mulDivUp, parseDollars, subtractMicros } from '#core/accounts/micros.ts';
import { dayOf, daysBetween, isDay, periodEndMs, periodOf } from '#core/accounts/periods.ts';
import { freePrices, parsePriceList, unpriced } from '#core/accounts/price-list.ts';
import { checkMaxCost, closingOf, finalMicros, quote } from '#core/accounts/quote.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { seeded, sha256 } from './account-world.ts';

const LIST = {
  version: '2026-11',
  prices: {
    clip: { unit: 'output_second', rates: { '832x480': '0.05', '*': 0.08 } },
    long: { unit: 'gpu_second', rate: '0.0011' },
  },
};
const list = parsePriceList(JSON.stringify(LIST), 'REELAY_PRICES', sha256);
const ask = (some: object = {}) => ({ model: 'clip', size: '832x480', num_frames: 81, fps: 16, ...some });

describe('micro-dollars', () => {
  test('of the largest amounts add up without losing one', () => {
    const { maxMicros, maxBudgetMicros, maxJobMicros } = accountLimits;
    expect(maxMicros * 2).toBeLessThan(Number.MAX_SAFE_INTEGER);
    expect(maxBudgetMicros + maxJobMicros).toBeLessThan(maxMicros);
    expect(addMicros(maxMicros - 1, 1)).toBe(maxMicros);
    expect(() => addMicros(maxMicros, 1)).toThrow(RangeError);
    expect(() => subtractMicros(1, 2)).toThrow(RangeError);
    for (const wrong of [0.5, -1, Number.NaN, 2 ** 53]) expect(() => addMicros(wrong, 0)).toThrow(RangeError);
  });

  test('are read from dollars digit by digit and written back the same', () => {
    const draw = seeded(7);
    for (let n = 0; n < 2_000; n++) {
      const micros = Math.floor(draw() * 10 ** (1 + Math.floor(draw() * 15)));
      expect(parseDollars(formatDollars(micros))).toBe(micros);
    }
    const read = ['1.25', '0.000001', 0.1, 1e-6, '4000000000', '007.5'].map(text => parseDollars(text));
    expect(read).toEqual([1_250_000, 1, 100_000, 1, accountLimits.maxMicros, 7_500_000]);
    for (const wrong of ['', '-1', '1e3', '1.0000001', 1e-7, ' 1', '1,5', '4000000001', Number.NaN, null, true, '٣'])
      expect(parseDollars(wrong), String(wrong)).toBeUndefined();
    expect([1, 1_250_000, 0, 999_990].map(formatDollars)).toEqual(['0.000001', '1.25', '0.00', '0.99999']);
  });

  test('of a product are exact and rounded up once, whatever its size', () => {
    const draw = seeded(11);
    for (let n = 0; n < 5_000; n++) {
      const [a, b] = [Math.floor(draw() * 2 ** 50), Math.floor(draw() * 1e9)];
      const c = 1 + Math.floor(draw() * 1e6);
      const up = BigInt(mulDivUp(a, b, c, Number.MAX_SAFE_INTEGER));
      const exact = BigInt(a) * BigInt(b);
      if (up < BigInt(Number.MAX_SAFE_INTEGER))
        expect(up * BigInt(c) >= exact && (up - 1n) * BigInt(c) < exact).toBe(true);
    }
    expect(mulDivUp(2 ** 50, 1e9, 1, 500)).toBe(500);
  });

  test('of 80 and 100 percent are the least amounts that are that much', () => {
    for (const limit of [
      1,
      7,
      99,
      100,
      101,
      12_345_678,
      accountLimits.maxBudgetMicros,
      accountLimits.maxBudgetMicros - 1,
    ])
      for (const percent of accountLimits.budgetAlerts) {
        const at = BigInt(alertAt(limit, percent)) * 100n;
        const exact = BigInt(limit) * BigInt(percent);
        expect(at >= exact && at - 100n < exact, `${percent} % of ${limit}`).toBe(true);
      }
  });
});

describe('a quote', () => {
  test('by output second is frames by rate over frames a second, rounded up once', () => {
    expect(quote(list, ask())).toMatchObject({ held: 253_125, estimated: 253_125, unit: 'output_second' }); // 81 / 16 s at 0.05
    expect(quote(list, ask({ num_frames: 97, fps: 24, size: '64x64' }))).toMatchObject({ held: 323_334 }); // 323,333.33…
    expect(quote(freePrices, ask())).toMatchObject({ held: 0 });
  });

  test('by GPU second holds half again of what it will probably take, and charges what it took up to that', () => {
    const terms = quote(list, ask({ model: 'long' }), 20_000);
    expect(terms).toMatchObject({ estimated: 22_000, held: 33_000 });
    if ('code' in terms) throw new Error(terms.message);
    const cost = (gpuMs: number) => finalMicros(terms, { outcome: 'completed', gpuMs });
    expect([cost(1), cost(20_001), cost(30_000), cost(99_999_999)]).toEqual([2, 22_002, 33_000, 33_000]);
    for (const outcome of ['failed', 'cancelled', 'abandoned'] as const)
      expect(finalMicros(terms, { outcome, gpuMs: 9_000 })).toBe(0);
  });

  test('of what has no price is refused, never free', () => {
    for (const some of [{ model: 'other' }, { model: 'constructor' }, { model: 'long' }])
      expect(quote(list, ask(some))).toMatchObject({ code: 'unsupported_operation' });
    expect(
      unpriced(list, [
        { id: 'clip', sizes: ['1x1'] },
        { id: 'other', sizes: [] },
      ]),
    ).toEqual(['other']);
  });

  test('above max_cost is refused with both sums', () => {
    expect(checkMaxCost({ held: 33_000, estimated: 22_000 }, 33_000)).toBeUndefined();
    expect(checkMaxCost({ held: 33_000, estimated: 22_000 }, undefined)).toBeUndefined();
    expect(checkMaxCost({ held: 33_000, estimated: 22_000 }, 32_999)).toMatchObject({
      code: 'max_cost_exceeded',
      param: 'max_cost',
      message: expect.stringMatching(/0\.033 .*0\.022 .*0\.032999/),
    });
  });

  test('counts the GPU time of the attempt that was completed, not of those that were lost', () => {
    const at = (attempt: number, startedAtMs: number) =>
      ({ pool: 'p', site: 'cloud', region: 'r', attempt, worker: 'w', startedAtMs, fromStep: 0 }) as const;
    const placements = [at(1, 1_000), at(2, 50_000)];
    expect(closingOf(makeJob({ status: 'completed', placements, completedAtMs: 52_500 }))).toEqual({
      outcome: 'completed',
      gpuMs: 2_500,
    });
    expect(closingOf(makeJob({ status: 'in_progress', placements }))).toBeUndefined();
  });
});

describe('a price list', () => {
  test('is named by what it says, however it is written', () => {
    const other = JSON.stringify({
      prices: { long: LIST.prices.long, clip: { rates: { '*': '0.080', '832x480': 0.05 }, unit: 'output_second' } },
      version: '2026-11',
    });
    expect(parsePriceList(other, 'x', sha256).digest).toBe(list.digest);
    const dearer = JSON.stringify({
      ...LIST,
      prices: { ...LIST.prices, long: { unit: 'gpu_second', rate: '0.0012' } },
    });
    expect(parsePriceList(dearer, 'x', sha256).digest).not.toBe(list.digest);
  });

  test('that is wrong is refused with a sentence for each mistake', () => {
    for (const [text, says] of [
      ['', 'JSON object'],
      ['[]', 'JSON object'],
      ['{"version": "", "prices": {}}', 'version:'],
      ['{"version": "1", "prices": {"a": {"unit": "step"}}}', 'prices.a:'],
      ['{"version": "1", "prices": {"a": {"unit": "output_second", "rates": {"big": "1"}}}}', '"big" is no size'],
      ['{"version": "1", "prices": {"a": {"unit": "output_second", "rates": {"*": "-1"}}}}', 'a rate in dollars'],
      ['{"version": "1", "prices": {"a": {"unit": "gpu_second"}}}', 'a rate in dollars'],
      ['{"version": "1", "currency": "EUR", "prices": {}}', 'only "USD"'],
    ] as const)
      expect(() => parsePriceList(text, 'REELAY_PRICES', sha256), text).toThrow(says);
  });
});

describe('periods and budgets', () => {
  test('turn at midnight UTC and at the first of the month, leap years included', () => {
    expect(dayOf(Date.UTC(2028, 1, 29, 23, 59, 59, 999))).toBe('2028-02-29');
    expect(new Date(periodEndMs('2028-02-29')).toISOString()).toBe('2028-03-01T00:00:00.000Z');
    expect(new Date(periodEndMs('2026-12')).toISOString()).toBe('2027-01-01T00:00:00.000Z');
    expect(periodOf('month', '2026-12-31')).toBe('2026-12');
    expect(daysBetween('2026-12-30', '2027-01-02')).toEqual(['2026-12-30', '2026-12-31', '2027-01-01', '2027-01-02']);
    expect(['2026-02-29', '2026-13-01', '2026-1-1', 'today'].filter(isDay)).toEqual([]);
  });

  test('are read from dollars, and refused with the place', () => {
    const said: string[] = [];
    const complain = (path: string) => void said.push(path);
    expect(parseBudget({ day: '10.5' }, complain)).toEqual({ day: 10_500_000, month: null });
    for (const wrong of [null, [], 5, { day: -1 }, { week: 1 }, { month: '1e9' }])
      expect(parseBudget(wrong, complain)).toBeUndefined();
    expect(said).toEqual(['', '', '', 'day', 'week', 'month']);
  });
});

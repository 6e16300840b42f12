/**
 * What things cost, as an operator writes it:
 *
 *     {"version": "2026-11", "currency": "USD", "prices": {
 *        "wan-2.2-5b": {"unit": "output_second", "rates": {"832x480": "0.05", "*": "0.08"}},
 *        "*":          {"unit": "gpu_second", "rate": "0.0011"}}}
 *
 * "*" stands for every model, or size, that is not named. A job keeps the terms it was accepted under: a new list changes no old hold.
 */
import { ReelayError } from '../errors.ts';
import { canonicalJson } from '../placement/canonical-json.ts';
import { accountLimits } from './account-limits.ts';
import type { Micros } from './budget.ts';
import { formatDollars, parseDollars } from './micros.ts';

/** What one model costs. */
export type Price =
  | {
      readonly unit: 'output_second';
      /** Micro-dollars for a second of video, by size or "*". */
      readonly rates: Readonly<Record<string, Micros>>;
    }
  | {
      readonly unit: 'gpu_second';
      /** Micro-dollars for a second that a GPU worked on the attempt that was completed. */
      readonly rate: Micros;
    };

/** A price list, and what names it. */
export interface PriceList {
  readonly version: string;
  /** SHA-256 of its canonical JSON, lower-case hex: two lists with one version are told apart. */
  readonly digest: string;
  readonly prices: Readonly<Record<string, Price>>;
}

/** Everything is free: the list of an installation that has none. */
export const freePrices: PriceList = {
  version: 'free',
  digest: '',
  prices: { '*': { unit: 'output_second', rates: { '*': 0 } } },
};

/** Reads a list. Throws `invalid_request` with every problem in one sentence each, beginning with `setting`. */
export function parsePriceList(text: string, setting: string, sha256: (text: string) => string): PriceList {
  const problems: string[] = [];
  const complain = (where: string, what: string) => void problems.push(`${setting}: ${where}${what}`);
  const list = parseJson(text);
  if (!isRecord(list) || !isRecord(list.prices)) complain('', 'a JSON object with "version" and "prices" is needed.');
  const { version, currency = 'USD', prices: given, ...others } = isRecord(list) ? list : {};
  for (const name of Object.keys(others))
    complain(`${name.slice(0, 64)}: `, 'unknown field; known fields: version, currency, prices.');
  if (typeof version !== 'string' || !/^[\w.-]{1,64}$/.test(version))
    complain('version: ', '1 to 64 letters, digits, ".", "_" or "-" are needed.');
  if (currency !== 'USD') complain('currency: ', 'only "USD" is known.');
  const prices = Object.entries(isRecord(given) ? given : {}).map(
    ([model, price]) => [model, parsePrice(price, what => complain(`prices.${model.slice(0, 64)}: `, what))] as const,
  );
  if (problems.length > 0) throw new ReelayError('invalid_request', problems.slice(0, 20).join(' '));
  const known = Object.fromEntries(prices) as Record<string, Price>;
  return {
    version: version as string,
    digest: sha256(canonicalJson({ version, currency, prices: known })),
    prices: known,
  };
}

/** The price of a model; undefined where the list has none, which is refused and never taken for free. */
export function priceOf(list: PriceList, model: string): Price | undefined {
  return own(list.prices, model) ?? own(list.prices, '*');
}

/** Micro-dollars for a second of video of a size; undefined where the price has none. */
export function rateOf(price: Extract<Price, { unit: 'output_second' }>, size: string): Micros | undefined {
  return own(price.rates, size) ?? own(price.rates, '*');
}

/** What an operator should know at the start: offered models and sizes without a price, each as "model" or "model size". */
export function unpriced(
  list: PriceList,
  models: readonly { readonly id: string; readonly sizes: readonly string[] }[],
): string[] {
  return models.flatMap(({ id, sizes }) => {
    const price = priceOf(list, id);
    if (price === undefined) return [id];
    if (price.unit === 'gpu_second') return [];
    return sizes.filter(size => rateOf(price, size) === undefined).map(size => `${id} ${size}`);
  });
}

function parsePrice(price: unknown, complain: (what: string) => void): Price | undefined {
  if (isRecord(price) && price.unit === 'output_second' && isRecord(price.rates)) {
    const rates = Object.entries(price.rates).map(([size, rate]) => {
      if (size !== '*' && !/^[1-9]\d{0,4}x[1-9]\d{0,4}$/.test(size)) complain(`"${size.slice(0, 32)}" is no size.`);
      return [size, parseRate(rate, complain)] as const;
    });
    if (rates.length === 0) complain('"rates" names no size; "*" stands for all.');
    return { unit: 'output_second', rates: Object.fromEntries(rates) as Record<string, Micros> };
  }
  if (isRecord(price) && price.unit === 'gpu_second') {
    return { unit: 'gpu_second', rate: parseRate(price.rate, complain) ?? 0 };
  }
  complain('{"unit": "output_second", "rates": {…}} or {"unit": "gpu_second", "rate": …} is needed.');
  return undefined;
}

function parseRate(rate: unknown, complain: (what: string) => void): Micros | undefined {
  const micros = parseDollars(rate, accountLimits.maxRateMicros);
  const most = formatDollars(accountLimits.maxRateMicros);
  if (micros === undefined) complain(`a rate in dollars, 0 to ${most} with at most six decimals, is needed.`);
  return micros;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A model or size of any name, `constructor` too. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

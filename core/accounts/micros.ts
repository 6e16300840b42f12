/**
 * Money is whole micro-dollars in a safe integer. Amounts and sums stay at or below accountLimits.maxMicros, 4e15, so that adding two of
 * them stays below 2^53 - 1 = 9.007e15 and is exact. Products may not fit: they are made in BigInt, in `mulDivUp` only.
 */
import { accountLimits } from './account-limits.ts';

const MICROS_PER_DOLLAR = 1_000_000;

/** Whether a value is an amount: whole, not negative, at most `most` (accountLimits.maxMicros). */
export function isMicros(value: unknown, most: number = accountLimits.maxMicros): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}

/** The exact sum of two amounts. Throws a RangeError past accountLimits.maxMicros, before any digit is lost. */
export function addMicros(a: number, b: number): number {
  if (!isMicros(a) || !isMicros(b)) throw new RangeError(`${a} and ${b} are no amounts that can be added.`);
  const sum = a + b;
  if (sum > accountLimits.maxMicros) throw new RangeError(`the sum ${sum} is past ${accountLimits.maxMicros}.`);
  return sum;
}

/** The exact difference of two amounts. Throws a RangeError where it is negative: money that was never there is not taken away. */
export function subtractMicros(a: number, b: number): number {
  if (!isMicros(a) || !isMicros(b) || b > a) throw new RangeError(`${b} cannot be taken from ${a}.`);
  return a - b;
}

/** ceil(a * b / c), exact for any safe integers a, b >= 0 and c > 0; `most` where it would be more. */
export function mulDivUp(a: number, b: number, c: number, most: number): number {
  const divisor = BigInt(c);
  const up = (BigInt(a) * BigInt(b) + divisor - 1n) / divisor;
  return up > BigInt(most) ? most : Number(up);
}

/**
 * The amount that a decimal text or number of dollars says: "1.25", 0.002. undefined for what is none: a sign, an exponent, more than six
 * decimals, more than `most`. Numbers are read as they print, so 0.1 is a tenth.
 */
export function parseDollars(value: unknown, most: number = accountLimits.maxMicros): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const [, whole, decimals = ''] = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(plain(value)) ?? [];
  if (whole === undefined) return undefined;
  const micros = Number(whole) * MICROS_PER_DOLLAR + Number(decimals.padEnd(6, '0'));
  return isMicros(micros, most) ? micros : undefined;
}

/** Numbers below a millionth of a million print with an exponent: 1e-6 is an amount, 1e-7 is none. */
function plain(value: string | number): string {
  if (typeof value === 'string') return value;
  const small = /^(\d)e-6$/.exec(String(value));
  return small === null ? String(value) : `0.00000${small[1]}`;
}

/** Dollars as a decimal text, two digits or as many more as it takes: 1250000 is "1.25", 1 is "0.000001". */
export function formatDollars(micros: number): string {
  const decimals = String(micros % MICROS_PER_DOLLAR)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${Math.floor(micros / MICROS_PER_DOLLAR)}.${decimals}`;
}

import { invalidRequest } from '#core/errors.ts';

/** A number of a flag; `invalid_request`, saying what is allowed, for anything else. */
export function numberOf(flag: string, text: string, least: number, most: number, whole = false): number {
  const value = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const message = `--${flag}: got "${text.slice(0, 40)}"; allowed: ${whole ? 'whole numbers' : 'numbers'} from ${least} to ${most}.`;
  throw invalidRequest([{ path: flag, message }]);
}

/** One of the words that a flag may have; `invalid_request` naming them for anything else. */
export function oneOf<T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find(word => word === text);
  if (found !== undefined) return found;
  const message = `--${flag}: got "${text.slice(0, 40)}"; allowed: ${allowed.join(', ')}.`;
  throw invalidRequest([{ path: flag, message }]);
}

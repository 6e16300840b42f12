/** The operator's price list as a setting. One that cannot be read, or says what is not allowed, stops whoever would start with it. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePrices, type PriceList, parsePriceList } from '#core/accounts/price-list.ts';
import { ReelayError } from '#core/errors.ts';

const SETTING = 'REELAY_PRICES';
/** A list of thousands of models; what is larger is no price list. */
const MAX_BYTES = 1_048_576;

/**
 * What `REELAY_PRICES` says: nothing means that everything is free; a text that begins with `{` is the list itself, any other is the path
 * of its file, relative to `folder`. Throws `invalid_request` with a sentence for each problem.
 */
export function openPrices(setting = '', folder = '.'): PriceList {
  const text = setting.trim();
  if (text === '') return freePrices;
  const isList = text.startsWith('{');
  return parsePriceList(
    isList ? text : readText(resolve(folder, text), text),
    isList ? SETTING : `${SETTING}: ${text}`,
    sha256,
  );
}

function readText(path: string, shown: string): string {
  try {
    if (statSync(path).size <= MAX_BYTES) return readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new ReelayError('invalid_request', `${SETTING}: ${shown}: it cannot be read (${why}).`);
  }
  throw new ReelayError('invalid_request', `${SETTING}: ${shown}: at most ${MAX_BYTES} bytes are allowed.`);
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

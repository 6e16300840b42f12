import { readFileSync } from 'node:fs';
import { ReelayError } from '#core/errors.ts';
import { type ReceiptKeys, receiptKeysFrom } from './receipt-keys.ts';

const NAME = 'REELAY_RECEIPT_KEY';

/**
 * REELAY_RECEIPT_KEY: the keys of a deployment in PEM, or the path of a file with them. Throws `invalid_request` with a sentence that
 * holds nothing of it where it is missing or no key.
 */
export function receiptKeysFromSetting(text: string | undefined): ReceiptKeys {
  if (text === undefined || text.trim() === '')
    throw refused('it is not set; a private Ed25519 key in PEM, or the path of a file with one, is needed');
  if (text.includes('-----BEGIN ')) return receiptKeysFrom(text, NAME);
  let pem: string;
  try {
    pem = readFileSync(text.trim(), 'utf8');
  } catch {
    throw refused('it is neither a key in PEM nor the path of a file that can be read'); // it may be a key after all
  }
  return receiptKeysFrom(pem, NAME);
}

function refused(why: string): ReelayError {
  return new ReelayError('invalid_request', `${NAME}: ${why}.`);
}

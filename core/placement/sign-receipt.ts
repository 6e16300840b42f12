import { ReelayError } from '../errors.ts';
import { checkReceipt, type VerifySignature } from './check-receipt.ts';
import { readReceipt, type SignedReceipt } from './read-receipt.ts';
import { type Receipt, receiptDocument, signedText } from './receipt.ts';
import { allowsSite } from './route.ts';

/** The installation's key: what is outside core of a receipt's signature. */
export interface ReceiptSigner {
  /** Of the key that signs. */
  readonly key: string;
  /** The Ed25519 signature (RFC 8032) of a text's UTF-8 bytes, lower-case hex. */
  readonly sign: (text: string) => string;
  readonly verify: VerifySignature;
}

/**
 * The signed document of a receipt, read again and checked as a stranger would. Throws `internal`, worth another try, when that fails:
 * no job completes with a receipt that does not hold. A rule that an earlier attempt broke is no reason: the receipt says so, and the
 * caller, who is told by `breached`, tells the operator.
 */
export function signReceipt(signer: ReceiptSigner, receipt: Receipt): { document: string; breached: boolean } {
  const document = receiptDocument(receipt, signer.sign(signedText(receipt)));
  const checks = checkReceipt(readOwn(document), { verify: signer.verify, video: receipt.output.files.video });
  const isFalse = checks.find(({ check, outcome }) => outcome === 'fails' && check !== 'residency');
  if (isFalse !== undefined) throw notGiven(isFalse.sentence);
  const { sites, regions } = receipt.residency;
  const last = receipt.attempts.at(-1)!;
  if (!allowsSite({ sites, ...(regions === null ? {} : { regions }) }, last))
    throw notGiven(`The class ${receipt.residency.class} does not allow the place of this worker.`);
  return { document, breached: checks.some(({ outcome }) => outcome === 'fails') };
}

function readOwn(document: string): SignedReceipt {
  try {
    return readReceipt(document);
  } catch (error) {
    throw notGiven(error instanceof Error ? error.message : 'it cannot be read', error);
  }
}

function notGiven(why: string, cause?: unknown): ReelayError {
  return new ReelayError('internal', `The placement receipt does not hold: ${why}`, { cause });
}

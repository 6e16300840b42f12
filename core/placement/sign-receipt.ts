import { ReelayError } from '../errors.ts';
import { checkReceipt, type VerifySignature } from './check-receipt.ts';
import { readReceipt } from './read-receipt.ts';
import { type Receipt, receiptDocument, type StorePlaces, signedText } from './receipt.ts';
import { allowsSite } from './route.ts';

/** The installation's key: what is outside core of a receipt's signature. */
export interface ReceiptSigner {
  /** Of the key that signs. */
  readonly key: string;
  /** The Ed25519 signature (RFC 8032) of a text's UTF-8 bytes, lower-case hex. */
  readonly sign: (text: string) => string;
  readonly verify: VerifySignature;
}

/** What a worker needs to give receipts. */
export interface ReceiptPorts {
  readonly signer: ReceiptSigner;
  readonly stores: StorePlaces;
}

/**
 * The signed document of a receipt, read again and checked as a stranger would. Throws `internal`, worth another try, when that fails:
 * no job completes with a receipt that does not hold. A rule that an earlier attempt broke is no reason: the receipt says so, and the
 * caller, who is told by `breached`, tells the operator.
 */
export function signReceipt(signer: ReceiptSigner, receipt: Receipt): { document: string; breached: boolean } {
  const document = receiptDocument(receipt, signer.sign(signedText(receipt)));
  const read = readReceipt(document);
  const checks = checkReceipt(read, { verify: signer.verify, video: receipt.output.files.video });
  const isFalse = checks.find(({ check, outcome }) => outcome === 'fails' && check !== 'residency');
  if (isFalse !== undefined) throw notGiven(isFalse.sentence);
  const { sites, regions } = receipt.residency;
  const last = receipt.attempts.at(-1)!;
  if (!allowsSite({ sites, ...(regions === null ? {} : { regions }) }, last))
    throw notGiven(`The class ${receipt.residency.class} does not allow the place of this worker.`);
  return { document, breached: checks.some(({ outcome }) => outcome === 'fails') };
}

function notGiven(why: string): ReelayError {
  return new ReelayError('internal', `The placement receipt does not hold: ${why}`);
}

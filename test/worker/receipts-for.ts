import { newReceiptKey, receiptKeysFrom } from '#adapters/receipt-keys.ts';
import type { Place, ResidencyClasses } from '#core/policy/residency.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { createReceipts, type Receipts } from '#gpu-container/worker/receipts.ts';

/** One key for all workers of a test. */
export const receiptKeys = receiptKeysFrom(newReceiptKey(), 'the key of a test');

/** What a worker is given whose stores stand where it does. */
export interface ReceiptParts {
  readonly kv: KeyValueStore;
  readonly classes: ResidencyClasses;
  readonly place: Place;
  readonly random: (n: number) => Uint8Array;
}

export function receiptsFor(parts: ReceiptParts): Receipts {
  return createReceipts({ ...parts, signer: receiptKeys, stores: { records: parts.place, objects: parts.place } });
}

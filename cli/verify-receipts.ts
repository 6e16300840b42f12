/** @file Placement receipts as `reelay verify` reads them, and which file each belongs to. */
import { existsSync } from 'node:fs';
import { ReelayError } from '#core/errors.ts';
import { type Check, checkReceipt, type Evidence } from '#core/placement/check-receipt.ts';
import { MAX_RECEIPT_BYTES, readReceipt, type SignedReceipt } from '#core/placement/read-receipt.ts';
import type { ReceiptFile } from '#core/placement/receipt.ts';
import { liesBeside, readText, receiptPlaces } from './verify-files.ts';

/** A file that is, or should be, a receipt. */
export interface ReadReceipt {
  readonly path: string;
  readonly signed: SignedReceipt | undefined;
  /** What is wrong with it; '' where nothing is. */
  readonly sentence: string;
}

/** A check of the receipt itself, which is missing or cannot be read. */
export type ReceiptCheck =
  | Check
  | { readonly check: 'receipt'; readonly outcome: 'fails' | 'not_checked'; readonly sentence: string };

/** What came of a receipt. */
export interface ReceiptFinding {
  readonly path: string;
  readonly holds: boolean;
  readonly job: string | null;
  readonly checks: readonly ReceiptCheck[];
}

/** Reads a receipt; what is none gets a sentence. */
export async function readOneReceipt(path: string): Promise<ReadReceipt> {
  try {
    return { path, signed: readReceipt(await readText(path, MAX_RECEIPT_BYTES)), sentence: '' };
  } catch (error) {
    if (error instanceof ReelayError) return { path, signed: undefined, sentence: error.message };
    throw error;
  }
}

/** The receipt of a file: the one that names its bytes, else the one beside it; read into `read` where it was not given. */
export async function receiptOfFile(
  media: string,
  file: ReceiptFile,
  read: ReadReceipt[],
): Promise<ReadReceipt | undefined> {
  const named = read.find(one => namesBytes(one, file)) ?? read.find(one => liesBeside(one.path, media));
  if (named !== undefined) return named;
  const place = receiptPlaces(media).find(path => existsSync(path));
  if (place === undefined) return undefined;
  const one = await readOneReceipt(place);
  read.push(one);
  return one;
}

/** Whether it names a file of exactly these bytes: the video, its thumbnail or its contact sheet. */
export function namesBytes({ signed }: ReadReceipt, file: ReceiptFile): boolean {
  const files = Object.values(signed?.receipt.output.files ?? {});
  return files.some(({ sha256, bytes }) => sha256 === file.sha256 && bytes === file.bytes);
}

/** Every check of a receipt, held against the video where there is one. */
export function judgeReceipt(
  { path, signed, sentence }: ReadReceipt,
  video: ReceiptFile | undefined,
  evidence: Omit<Evidence, 'video'>,
): ReceiptFinding {
  if (signed === undefined)
    return { path, holds: false, job: null, checks: [{ check: 'receipt', outcome: 'fails', sentence }] };
  const checks = checkReceipt(signed, { ...evidence, video });
  return { path, holds: checks.every(({ outcome }) => outcome !== 'fails'), job: signed.receipt.job, checks };
}

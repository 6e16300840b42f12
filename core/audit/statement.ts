/** Signed statements about a ledger: the checkpoint of a closed segment, and the anchor, which says how far every shard is. */
import { ReelayError } from '../errors.ts';
import { canonicalJson } from '../placement/canonical-json.ts';
import type { VerifySignature } from '../placement/check-receipt.ts';
import { auditLimits } from './audit-limits.ts';

/** The key that signs: Ed25519 (RFC 8032), as placement receipts have it. */
export interface StatementSigner {
  /** Thumbprint of the public key (RFC 7638). */
  readonly key: string;
  /** The signature of a text's UTF-8 bytes, lower-case hex. */
  readonly sign: (text: string) => string;
}

/** What a closed segment is. */
export interface Checkpoint {
  readonly v: 1;
  readonly installation: string;
  readonly shard: string;
  /** 1 for the first of the shard. */
  readonly segment: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** What the first record follows. */
  readonly prevHash: string;
  readonly lastHash: string;
  /** Of the last record, ms. */
  readonly lastTs: number;
  /** Over the records' hashes (merkle.ts). */
  readonly root: string;
  /** SHA-256 of the canonical text of the checkpoint before; the shard's genesis for the first. */
  readonly prevCheckpoint: string;
  /** When the segment was closed, ms. */
  readonly ts: number;
}

/** How far every shard is. Kept elsewhere, it shows later that nothing was cut off. */
export interface Anchor {
  readonly v: 1;
  readonly installation: string;
  readonly ts: number;
  readonly heads: readonly AnchoredHead[];
}

/** The last record of a shard. */
export interface AnchoredHead {
  readonly shard: string;
  readonly seq: number;
  readonly hash: string;
}

/** By kind, which is in the first line of what is signed. */
export interface Statements {
  readonly checkpoint: Checkpoint;
  readonly anchor: Anchor;
}

/** What a statement is about. */
export type StatementKind = keyof Statements;

/** One canonical text (RFC 8785) without a line end; signed are the bytes of `reelay-audit-KIND-v1`, a line feed, and `statement`'s text. */
export function signStatement(signer: StatementSigner, kind: StatementKind, statement: Checkpoint | Anchor): string {
  const signature = signer.sign(signedText(kind, canonicalJson(statement)));
  return canonicalJson({ key: signer.key, signature, statement });
}

/**
 * The statement of such a text, once its signature is that of a known key. Throws `invalid_request` with a sentence. What is signed was
 * made by `signStatement`, so its fields are not looked at again.
 */
export function readStatement<K extends StatementKind>(verify: VerifySignature, kind: K, text: string): Statements[K] {
  const { key, signature, statement } = parsed(kind, text);
  const holds = verify(key, signedText(kind, canonicalJson(statement)), signature);
  if (holds === undefined) throw refused(kind, `no key with its id is among the known ones`);
  if (!holds) throw refused(kind, 'its signature does not hold: it was changed after it was signed');
  return statement as Statements[K];
}

function signedText(kind: StatementKind, canonical: string): string {
  return `reelay-audit-${kind}-v1\n${canonical}`;
}

interface Signed {
  readonly key: string;
  readonly signature: string;
  readonly statement: Checkpoint | Anchor;
}

/** One text has one meaning: another order of the fields, a space, or hex in capitals would be a second text of the same statement. */
function parsed(kind: StatementKind, text: string): Signed {
  if (text.length > auditLimits.statementBytes) throw refused(kind, 'it is too long');
  let value: Partial<Signed> | null;
  try {
    value = JSON.parse(text) as Partial<Signed> | null;
    if (canonicalJson(value) !== text) throw new RangeError();
  } catch {
    throw refused(kind, 'it is not in canonical JSON');
  }
  const { key, signature, statement, ...rest } = value ?? {};
  const isWhole = typeof key === 'string' && typeof statement === 'object' && statement !== null;
  if (!isWhole || typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature) || Object.keys(rest).length > 0)
    throw refused(kind, 'it has not exactly a statement, a key and a signature');
  return { key, signature, statement };
}

function refused(kind: StatementKind, why: string): ReelayError {
  return new ReelayError('invalid_request', `The ${kind} cannot be trusted: ${why}.`);
}

/** What one line of the ledger says, and how it is tied to the one before. */
import { ReelayError } from '../errors.ts';
import { auditLimits } from './audit-limits.ts';
import { isPseudonym } from './pseudonym.ts';

/** SHA-256 (FIPS 180-4) of a text's UTF-8 bytes, 64 characters of lower-case hex. */
export type Sha256 = (text: string) => string;

/** What was decided, in words of ours: never in those of a request. */
export interface AuditDecision {
  readonly outcome: 'allow' | 'deny' | 'review' | 'done' | 'failed';
  /** Ids of the rules that decided. */
  readonly rules: readonly string[];
  /** Hash of the policy that was in force, lower-case hex; null where none was asked. */
  readonly policy: string | null;
}

/** What a caller tells. */
export interface AuditEntry {
  /** Who did it: a pseudonym. */
  readonly actor: string;
  /** What, as `noun.verb`: `job.submit`. */
  readonly action: string;
  /** To what: a pseudonym. */
  readonly object: string;
  readonly decision: AuditDecision;
}

/** One line of a shard. */
export interface AuditRecord extends AuditEntry {
  /** 1 for the first of its shard. */
  readonly seq: number;
  /** Unix ms by the writer's clock; never before the record before it. */
  readonly ts: number;
  /** `hash` of the record before it; the shard's genesis for the first. */
  readonly prevHash: string;
  /** SHA-256 of the canonical JSON (RFC 8785) of all other fields. */
  readonly hash: string;
}

/** The end of a shard: what the next record is tied to. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
  readonly ts: number;
}

/** Before the first record. It names the shard, so that no record of another one can follow. */
export function genesis(sha256: Sha256, installation: string, shard: string): Link {
  return { seq: 0, hash: sha256(`reelay-audit-v1\n${installation}\n${shard}`), ts: 0 };
}

/** The record after `before`. A clock that went back stays at the time of the record before. */
export function nextRecord(sha256: Sha256, before: Link, entry: AuditEntry, nowMs: number): AuditRecord {
  const { actor, action, object, decision } = entry;
  const ts = Math.max(before.ts, nowMs);
  const open = { seq: before.seq + 1, ts, actor, action, object, decision, prevHash: before.hash };
  return { ...open, hash: sha256(openText(open)) };
}

/**
 * The hash that the record of a line should have: of the line without its field `hash`. A quote inside a string has a backslash before it,
 * so what looks like the field is the field.
 */
export function hashOfLine(sha256: Sha256, line: string): string {
  const at = line.indexOf(HASH_FIELD);
  return sha256(line.slice(0, at) + line.slice(at + HASH_FIELD.length + 66));
}

const HASH_FIELD = '"hash":"';

/** The record's line, without its end: the canonical JSON of all fields. */
export function recordLine(record: AuditRecord): string {
  return textOf(record, `"hash":${JSON.stringify(record.hash)},`);
}

function openText(record: Omit<AuditRecord, 'hash'>): string {
  return textOf(record, '');
}

/** Written out because canonicalJson takes five times as long, and a ledger is nothing but this; a test holds the two to be the same. */
function textOf(record: Omit<AuditRecord, 'hash'>, hash: string): string {
  const { outcome, policy, rules } = record.decision;
  const decision = `{"outcome":${JSON.stringify(outcome)},"policy":${JSON.stringify(policy)},"rules":${JSON.stringify(rules)}}`;
  const who = `"action":${JSON.stringify(record.action)},"actor":${JSON.stringify(record.actor)},"decision":${decision}`;
  return `{${who},${hash}"object":${JSON.stringify(record.object)},"prevHash":${JSON.stringify(record.prevHash)},"seq":${record.seq},"ts":${record.ts}}`;
}

const WORDS = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/;
const HASH = /^[0-9a-f]{64}$/;
const OUTCOMES = new Set<string>(['allow', 'deny', 'review', 'done', 'failed']);

/** Throws `invalid_request` for an entry that could hold more than pseudonyms and words of ours. Its text is not repeated. */
export function checkEntry({ actor, action, object, decision }: AuditEntry): void {
  const wrong = (what: string, allowed: string) =>
    new ReelayError('invalid_request', `audit ${what}: not what a ledger may hold; ${allowed}.`);
  if (!isPseudonym(actor)) throw wrong('actor', 'a pseudonym is allowed');
  if (!isPseudonym(object)) throw wrong('object', 'a pseudonym is allowed');
  if (!isWord(action)) throw wrong('action', `words of ours around dots, up to ${auditLimits.wordChars} characters`);
  if (!OUTCOMES.has(decision.outcome)) throw wrong('decision', `allowed are ${[...OUTCOMES].join(', ')}`);
  if (decision.rules.length > auditLimits.decisionRules || !decision.rules.every(isWord))
    throw wrong('decision.rules', `up to ${auditLimits.decisionRules} ids of rules are allowed`);
  if (decision.policy !== null && !HASH.test(decision.policy))
    throw wrong('decision.policy', 'a SHA-256 in lower-case hex or null is allowed');
}

function isWord(text: string): boolean {
  return text.length <= auditLimits.wordChars && WORDS.test(text);
}

/** The record of a line; undefined for a line that is not one, character by character. */
export function readRecord(line: string): AuditRecord | undefined {
  if (line.length > auditLimits.lineChars) return undefined;
  try {
    const record = JSON.parse(line) as AuditRecord;
    return isRecord(record) && recordLine(record) === line ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(record: AuditRecord | null): record is AuditRecord {
  if (record === null || typeof record !== 'object' || typeof record.decision !== 'object') return false;
  const { seq, ts, actor, action, object, prevHash, hash, decision } = record;
  return (
    Number.isSafeInteger(seq) &&
    Number.isSafeInteger(ts) &&
    decision !== null &&
    Array.isArray(decision.rules) &&
    HASH.test(hash) &&
    [actor, action, object, prevHash, decision.outcome].every(text => typeof text === 'string')
  );
}

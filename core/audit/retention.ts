/** How long what is kept, by tenant: a pure rule over data. What deletes by it reads `keepUntil`; what seals it, the vault. */
import type { Problem } from '../errors.ts';
import { auditLimits } from './audit-limits.ts';

/** What is kept. */
export type KeptKind = 'prompt' | 'reference' | 'latents' | 'output' | 'registry' | 'audit' | 'consent';

/** Days, or null: until it is removed by hand. */
export type KeptDays = number | null;

/** The days of every kind, of one tenant. */
export type Retention = Readonly<Record<KeptKind, KeptDays>>;

/** What a tenant may choose, and what it has if it does not. */
export interface RetentionRule {
  readonly default: KeptDays;
  /** Both inclusive, in days; undefined: the tenant has no choice. */
  readonly allowed: { readonly least: number; readonly most: KeptDays } | undefined;
}

const YEAR = 365;

/** Data minimization wants short, evidence long; both ends are those of the design (TRUST, section 8). */
export const retentionRules: Readonly<Record<KeptKind, RetentionRule>> = {
  // For repeating and for appeals; 0 is as soon as the job has ended.
  prompt: { default: 30, allowed: { least: 0, most: 30 } },
  reference: { default: 30, allowed: { least: 0, most: 30 } },
  // Only a resume needs them; limits.checkpointHours is the same day.
  latents: { default: 1, allowed: { least: 0, most: 1 } },
  // The tenant's own; limits.artifactDays is the default.
  output: { default: 30, allowed: { least: 0, most: null } },
  // A mark outlives every file that it is in: without its row nobody could say whose it is.
  registry: { default: null, allowed: undefined },
  // Below a year it is no evidence; an Object Lock cannot be shortened later, so the default is the least.
  audit: { default: YEAR, allowed: { least: YEAR, most: 7 * YEAR } },
  // From its revocation or end on: as long as the audit that names it.
  consent: { default: YEAR, allowed: { least: YEAR, most: 7 * YEAR } },
};

const KINDS = Object.keys(retentionRules) as readonly KeptKind[];

/** The retention of a tenant that chose nothing. */
export const defaultRetention = Object.fromEntries(
  KINDS.map(kind => [kind, retentionRules[kind].default]),
) as unknown as Retention;

/** The first moment at which it may go, in ms; null: never by itself. `fromMs`: when it was made, or when the job, the consent ended. */
export function keepUntil(retention: Retention, kind: KeptKind, fromMs: number): number | null {
  const days = retention[kind];
  return days === null ? null : fromMs + days * auditLimits.dayMs;
}

/** Before this moment closed segments may have lost their records: the longest of the tenants that share the ledger decides. */
export function auditKeptSince(retentions: readonly Retention[], nowMs: number): number {
  const days = Math.max(
    ...retentions.map(({ audit }) => audit ?? Number.POSITIVE_INFINITY),
    retentionRules.audit.default!,
  );
  return Number.isFinite(days) ? nowMs - days * auditLimits.dayMs : 0;
}

/** A tenant's choice as days by kind; what it leaves out is as by default. Every problem at once. */
export function parseRetention(value: unknown): { retention: Retention } | { problems: readonly Problem[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problems: [{ path: 'retention', message: 'retention: an object of days by kind is allowed.' }] };
  const problems: Problem[] = [];
  const chosen: Partial<Record<KeptKind, KeptDays>> = {};
  for (const [kind, days] of Object.entries(value)) {
    const message = problemOf(kind, days);
    if (message === undefined) chosen[kind as KeptKind] = days;
    else problems.push({ path: `retention.${kind}`, message: `retention.${kind}: ${message}.` });
  }
  return problems.length > 0 ? { problems } : { retention: { ...defaultRetention, ...chosen } };
}

function problemOf(kind: string, days: unknown): string | undefined {
  const rule = KINDS.find(each => each === kind);
  if (rule === undefined) return `is not kept by days; allowed are ${KINDS.join(', ')}`;
  const { allowed } = retentionRules[rule];
  if (allowed === undefined) return "is not the tenant's to choose";
  const { least, most } = allowed;
  const isDays = typeof days === 'number' && Number.isSafeInteger(days) && days >= least && days <= (most ?? 36_500);
  if (isDays || (days === null && most === null)) return undefined;
  const upTo = most === null ? 'up to 36500, or null for ever' : `up to ${most}`;
  return `${JSON.stringify(days) ?? 'nothing'} is not allowed; whole days from ${least} ${upTo} are`;
}

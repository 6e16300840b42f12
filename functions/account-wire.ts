import type { Budget } from '#core/accounts/budget.ts';
import { isLive, type KeyRecord } from '#core/accounts/key-record.ts';
import type { MadeKey } from '#core/accounts/keys.ts';
import { formatDollars } from '#core/accounts/micros.ts';
import type { TenantRecord } from '#core/accounts/tenant.ts';

/** A key without what it is: what it may do, until when, and when it last did. */
export function toKey(key: KeyRecord, nowMs: number) {
  return {
    id: key.keyId,
    object: 'api_key',
    tenant: key.tenant,
    name: key.name,
    status: isLive(key, nowMs) ? 'live' : key.revokedAtMs === null ? 'expired' : 'revoked',
    scopes: key.scopes,
    budget: toBudget(key.budget),
    created_at: seconds(key.createdAtMs),
    expires_at: secondsOrNull(key.expiresAtMs),
    revoked_at: secondsOrNull(key.revokedAtMs),
    last_used_at: secondsOrNull(key.lastUsedAtMs),
    rotated_from: key.rotatedFrom,
  };
}

/** With its text: of a create and a rotation only. */
export function toMadeKey({ key, text }: MadeKey, nowMs: number) {
  return { ...toKey(key, nowMs), key: text };
}

/** A tenant, by the names under which its fields are set. */
export function toTenant({ id, name, suspended, limits, budget, disclosure, outputDays, createdAtMs }: TenantRecord) {
  return {
    id,
    object: 'tenant',
    name,
    suspended,
    limits: {
      requests_per_minute: limits.requestsPerMinute,
      concurrent_jobs: limits.concurrentJobs,
      queued_jobs: limits.queuedJobs,
      max_pixels: limits.maxPixels,
      max_seconds: limits.maxSeconds,
      models: limits.models,
      residency: limits.residency,
    },
    budget: toBudget(budget),
    disclosure: disclosure ?? null,
    retention: outputDays === undefined ? null : { output: outputDays },
    created_at: seconds(createdAtMs),
  };
}

/** Dollars as text; null: as much as comes. */
export function toBudget({ day, month }: Budget) {
  const dollars = (micros: number | null) => (micros === null ? null : formatDollars(micros));
  return { day: dollars(day), month: dollars(month) };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function secondsOrNull(ms: number | null): number | null {
  return ms === null ? null : seconds(ms);
}

/**
 * Requests a minute, as a token bucket: it holds a minute's worth, so a burst of that size is fine, and fills evenly. Buckets live in the
 * process. An embedded server is one process, so there the limit is exact; behind Lambda each instance has its own, so a tenant may have
 * up to its limit times the instances that serve it. A bucket in the store would cost each poll a write that costs more than the poll.
 */
import { accountLimits } from './account-limits.ts';
import type { Refusal } from './refusal.ts';

/** How full a bucket was, and when. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token; a bucket that was never used is full. Time that goes backwards adds nothing and takes nothing. */
export function takeToken(
  bucket: Bucket | undefined,
  perMinute: number,
  nowMs: number,
): { readonly bucket: Bucket; readonly waitMs: number } {
  const before = bucket ?? { tokens: perMinute, atMs: nowMs };
  const passedMs = Math.max(0, nowMs - before.atMs);
  const tokens = Math.min(perMinute, before.tokens + (passedMs * perMinute) / 60_000);
  const atMs = Math.max(nowMs, before.atMs);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, atMs }, waitMs: 0 };
  const waitMs = perMinute <= 0 ? 60_000 : Math.ceil(((1 - tokens) * 60_000) / perMinute);
  return { bucket: { tokens, atMs }, waitMs };
}

/** Counts the requests of one process. */
export interface RateLimiter {
  /** The refusal of a tenant's request, with the time after which one is let through; undefined where it is. null: no limit. */
  readonly check: (tenant: string, perMinute: number | null) => Refusal | undefined;
}

/** One of a process. */
export function createRateLimiter(now: () => number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    check: (tenant, perMinute) => {
      if (perMinute === null) return undefined;
      const { bucket, waitMs } = takeToken(buckets.get(tenant), perMinute, now());
      buckets.delete(tenant);
      buckets.set(tenant, bucket);
      for (const longestUnused of buckets.keys()) {
        if (buckets.size <= accountLimits.rememberedBuckets) break;
        buckets.delete(longestUnused);
      }
      if (waitMs === 0) return undefined;
      const message = `This tenant may send ${perMinute} requests a minute; the next one is let through in ${waitMs} ms.`;
      return { code: 'rate_limited', message, param: null, retryAfterMs: waitMs };
    },
  };
}

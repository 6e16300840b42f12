import { type Refusal, refusal } from './refusal.ts';

/**
 * What a key may do. No scope contains another: a key that may make videos and watch them has both.
 *
 *     videos:write    create, remix, edit, extend, cancel, delete; quotes
 *     videos:read     retrieve, list, content, receipts, events, models
 *     usage:read      usage and what is left of budgets, of the key's own tenant
 *     webhooks:admin  endpoints, their secrets and deliveries
 *     keys:admin      list, create, rotate and revoke keys of its own tenant, with no scope that it lacks itself
 *     verify          POST /v1/verify
 *     policy:review   the queue of its own tenant: see what waits for a person, approve, deny
 *     consents:admin  consent records of its own tenant: attest, list, revoke
 *     subjects:admin  the end users of its own tenant: export what is kept of one, erase it
 *     policy:admin    the operator's, beside policy:review: the queues of all tenants, and appeals
 *     tenants:admin   the operator's: tenants, their limits and budgets, the installation's budget and usage
 */
export const scopes = [
  'videos:write',
  'videos:read',
  'usage:read',
  'webhooks:admin',
  'keys:admin',
  'verify',
  'policy:review',
  'consents:admin',
  'subjects:admin',
  'policy:admin',
  'tenants:admin',
] as const;
/** One of them. */
export type Scope = (typeof scopes)[number];

/** What a key may do that was made without saying more. */
export const usualScopes: readonly Scope[] = ['videos:write', 'videos:read', 'usage:read'];

/** Whether a text is a scope. */
export function isScope(value: unknown): value is Scope {
  return (scopes as readonly unknown[]).includes(value);
}

/** The refusal of whoever lacks a scope, which it names; undefined where nothing is lacking. */
export function checkScope(has: readonly Scope[], needed: Scope): Refusal | undefined {
  if (has.includes(needed)) return undefined;
  return refusal('forbidden', `Authorization: this key lacks the scope "${needed}".`);
}

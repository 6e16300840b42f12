import { invalidRequest, type Problem } from '../errors.ts';
import { accountLimits } from './account-limits.ts';
import { type Budget, noBudget, parseBudget } from './budget.ts';
import { isScope, type Scope, scopes, usualScopes } from './scopes.ts';

/** What the maker of a key says of it. */
export interface KeyFields {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly budget: Budget;
  readonly expiresAtMs: number | null;
}

const KNOWN = ['name', 'scopes', 'budget', 'expires_at'];

/**
 * The body of a create: `{"name": "render farm", "scopes": ["videos:write"], "budget": {"day": "10.00"}, "expires_at": 1795000000}`. `may`: the
 * scopes that its maker has, no other is given away. Throws `invalid_request` with every problem.
 */
export function parseKeyFields(input: unknown, nowMs: number, may: readonly Scope[] = scopes): KeyFields {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const record = (input !== null && typeof input === 'object' && !Array.isArray(input) ? input : {}) as Record<
    string,
    unknown
  >;
  for (const field of Object.keys(record).filter(name => !KNOWN.includes(name)))
    complain(field.slice(0, 64), `unknown field; known fields: ${KNOWN.join(', ')}.`);
  const { name, scopes: asked = usualScopes, budget = noBudget, expires_at: expiresAt = null } = record;
  if (!isName(name)) complain('name', `a text of 1 to ${accountLimits.maxNameChars} characters is needed.`);
  if (!Array.isArray(asked) || asked.length === 0 || !asked.every(isScope) || new Set(asked).size < asked.length)
    complain('scopes', `a list of one or more of ${scopes.join(', ')}, each once, is needed.`);
  else if (asked.some(scope => !may.includes(scope)))
    complain('scopes', `a key can give away only scopes that it has: ${may.join(', ')}.`);
  const parsed = parseBudget(budget, (path, text) => complain(path === '' ? 'budget' : `budget.${path}`, text));
  const isTime = typeof expiresAt === 'number' && Number.isInteger(expiresAt) && expiresAt * 1000 > nowMs;
  if (expiresAt !== null && !(isTime && expiresAt < 1e11))
    complain('expires_at', 'Unix seconds after now, or null for a key that does not expire, are allowed.');
  if (problems.length > 0 || parsed === undefined) throw invalidRequest(problems);
  const expiresAtMs = expiresAt === null ? null : (expiresAt as number) * 1000;
  return { name: name as string, scopes: asked as readonly Scope[], budget: parsed, expiresAtMs };
}

/** A name that can be shown in a terminal: no control or formatting characters. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || /[\p{Cc}\p{Cf}]/u.test(value)) return false;
  return value.trim() !== '' && value.length <= accountLimits.maxNameChars && value.isWellFormed();
}

/** How long the old key goes on after a rotation: `{"keep_old_hours": 24}`. Throws `invalid_request`. */
export function parseKeepOldHours(input: unknown): number {
  const { keep_old_hours: hours = accountLimits.rotationHours, ...others } = (input ?? {}) as Record<string, unknown>;
  const isHours = typeof hours === 'number' && hours >= 0 && hours <= accountLimits.maxRotationHours;
  if (isHours && Object.keys(others).length === 0) return hours;
  const message = `keep_old_hours: 0 to ${accountLimits.maxRotationHours} is allowed, and no other field.`;
  throw invalidRequest([{ path: 'keep_old_hours', message }]);
}

/** A tenant: who pays, what it may ask for, and whether it may ask at all. */
import { type DisclosureChoice, parseDisclosure } from '../audit/disclose.ts';
import { invalidRequest, type Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import type { VideoRequest } from '../video-request.ts';
import { accountLimits } from './account-limits.ts';
import { type Budget, noBudget, parseBudget } from './budget.ts';
import { isName } from './key-input.ts';
import { type Refusal, refusal } from './refusal.ts';

/** What a tenant may ask for; null: whatever the installation can do. */
export interface TenantLimits {
  readonly requestsPerMinute: number | null;
  /** Jobs that run at once. */
  readonly concurrentJobs: number | null;
  /** Jobs that wait. */
  readonly queuedJobs: number | null;
  /** Width times height. */
  readonly maxPixels: number | null;
  /** Of one video. */
  readonly maxSeconds: number | null;
  readonly models: readonly string[] | null;
  /** Classes of residency. */
  readonly residency: readonly string[] | null;
}

/** The record of one tenant. */
export interface TenantRecord {
  readonly v: 1;
  readonly id: string;
  readonly name: string;
  /** Set: its keys open nothing, and its jobs that wait go on. */
  readonly suspended: boolean;
  readonly limits: TenantLimits;
  readonly budget: Budget;
  /** What its videos disclose beside their marks; undefined: what the installation's do. */
  readonly disclosure?: DisclosureChoice;
  /** Days that its finished videos and their records are kept; undefined: limits.artifactDays, which is the most. */
  readonly outputDays?: number;
  readonly createdAtMs: number;
}

/** Of a tenant of whom nothing else was said. */
export const noLimits: TenantLimits = {
  requestsPerMinute: null,
  concurrentJobs: null,
  queuedJobs: null,
  maxPixels: null,
  maxSeconds: null,
  models: null,
  residency: null,
};

/** Whoever uses an installation that has no tenants: everything, of everything. */
export const defaultTenant: TenantRecord = {
  v: 1,
  id: 'default',
  name: 'default',
  suspended: false,
  limits: noLimits,
  budget: noBudget,
  createdAtMs: 0,
};

/** Whoever is on the machine itself in embedded mode, and its operator's own keys; nothing is set of it either until somebody does. */
export const localTenant: TenantRecord = { ...defaultTenant, id: 'local', name: 'local' };

/** A tenant that is there without having been made; undefined: there is none of that id. */
export function impliedTenant(id: string): TenantRecord | undefined {
  return [defaultTenant, localTenant].find(tenant => tenant.id === id);
}

/** An id is part of spaces and object keys. */
export function isTenantId(text: string): boolean {
  return text.length <= accountLimits.maxTenantChars && /^[a-z0-9][a-z0-9_-]*$/.test(text);
}

/** What is wrong with a request for this tenant, and all of it; undefined: nothing. `queued`: jobs of the tenant that wait now. */
export function checkTenantRequest(
  { suspended, limits }: Pick<TenantRecord, 'suspended' | 'limits'>,
  request: Pick<VideoRequest, 'model' | 'size' | 'seconds' | 'residency'>,
  queued: number,
): Refusal | undefined {
  if (suspended) return suspendedRefusal();
  const found: (readonly [param: string, sentence: string])[] = [];
  const { model, size, seconds, residency } = request;
  const [width = 0, height = 0] = size.split('x').map(Number);
  const { maxPixels, maxSeconds, models, residency: classes, queuedJobs } = limits;
  if (models !== null && !models.includes(model))
    found.push(['model', `got "${model}"; this tenant may use: ${models.join(', ') || 'none'}.`]);
  if (maxPixels !== null && width * height > maxPixels)
    found.push(['size', `got ${size}, ${width * height} pixels; this tenant may have ${maxPixels}.`]);
  if (maxSeconds !== null && seconds > maxSeconds)
    found.push(['seconds', `got ${seconds}; this tenant may have ${maxSeconds}.`]);
  if (classes !== null && !classes.includes(residency))
    found.push(['residency', `got "${residency}"; this tenant may use: ${classes.join(', ') || 'none'}.`]);
  if (found.length > 0) {
    const told = found.map(([param, sentence]) => `${param}: ${sentence}`).join(' ');
    return refusal('tenant_limit', told, found[0]?.[0] ?? null);
  }
  if (queuedJobs === null || queued < queuedJobs) return undefined;
  const message = `The tenant has ${queued} jobs waiting, which is all it may; try again when some are done.`;
  return { code: 'rate_limited', message, param: null, retryAfterMs: 2_000 };
}

/** What is said to whoever has a good key of a suspended tenant. */
export function suspendedRefusal(): Refusal {
  return refusal('forbidden', 'This account is suspended; ask whoever runs this server.');
}

const NUMBERS = {
  requests_per_minute: 'requestsPerMinute',
  concurrent_jobs: 'concurrentJobs',
  queued_jobs: 'queuedJobs',
  max_pixels: 'maxPixels',
  max_seconds: 'maxSeconds',
} as const;
const LISTS = { models: 'models', residency: 'residency' } as const;

/** What an operator sets of a tenant. */
export type TenantFields = Pick<TenantRecord, 'name' | 'suspended' | 'limits' | 'budget' | 'disclosure' | 'outputDays'>;

/**
 * A tenant's fields with those that the input names: `{"name", "suspended", "limits": {"queued_jobs": 20, "models": [..]}, "budget":
 * {"month": "500"}, "disclosure": {"profiles": ["eu", "cn"], "label": true}, "retention":
 * {"output": 7}}`. A limit that is null is lifted; a budget, a disclosure and a retention are set as a whole. Throws `invalid_request` with every problem.
 */
export function parseTenantFields(input: unknown, before: TenantFields): TenantFields {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const record = recordOf(input);
  if (record === undefined) complain('body', 'an object is needed.');
  const {
    name = before.name,
    suspended = before.suspended,
    limits = {},
    budget,
    disclosure,
    retention,
    ...others
  } = record ?? {};
  for (const field of Object.keys(others))
    complain(
      field.slice(0, 64),
      'unknown field; known fields: name, suspended, limits, budget, disclosure, retention.',
    );
  if (!isName(name)) complain('name', `a text of 1 to ${accountLimits.maxNameChars} characters is needed.`);
  if (typeof suspended !== 'boolean') complain('suspended', 'true or false is needed.');
  const set = parseLimits(recordOf(limits), complain);
  const told = (path: string, text: string) => complain(path === '' ? 'budget' : `budget.${path}`, text);
  const money = budget === undefined ? before.budget : budget === null ? noBudget : parseBudget(budget, told);
  const disclosed =
    disclosure === undefined
      ? before.disclosure
      : disclosure === null
        ? undefined
        : parseDisclosure(disclosure, (path, text) =>
            complain(path === '' ? 'disclosure' : `disclosure.${path}`, text),
          );
  const outputDays = retention === undefined ? before.outputDays : parseOutputDays(retention, complain);
  if (problems.length > 0 || money === undefined) throw invalidRequest(problems);
  return {
    name: name as string,
    suspended: suspended as boolean,
    limits: { ...before.limits, ...set },
    budget: money,
    ...(disclosed === undefined ? {} : { disclosure: disclosed }),
    ...(outputDays === undefined ? {} : { outputDays }),
  };
}

/** `{"output": 7}`, or null for as long as the installation keeps them. Prompts and references go with the record; marks and ledger stay. */
function parseOutputDays(input: unknown, complain: (path: string, text: string) => void): number | undefined {
  if (input === null) return undefined;
  const { output, ...others } = recordOf(input) ?? {};
  for (const field of Object.keys(others))
    complain(`retention.${field.slice(0, 64)}`, 'unknown field; known fields: output.');
  const isDays = typeof output === 'number' && Number.isInteger(output) && output >= 1 && output <= limits.artifactDays;
  if (isDays) return output;
  complain(
    'retention.output',
    `whole days from 1 to ${limits.artifactDays} are needed, or null for the whole of retention.`,
  );
  return undefined;
}

function parseLimits(
  record: Record<string, unknown> | undefined,
  complain: (path: string, text: string) => void,
): Partial<TenantLimits> {
  if (record === undefined) complain('limits', 'an object is needed.');
  const set: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(record ?? {})) {
    const path = `limits.${field.slice(0, 64)}`;
    if (Object.hasOwn(NUMBERS, field)) {
      const isSeconds = field === 'max_seconds' && typeof value === 'number' && value >= 0 && value <= 1e6;
      const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1e9;
      if (value !== null && !isSeconds && !isCount) complain(path, 'a number from 0, or null for no limit, is needed.');
      set[NUMBERS[field as keyof typeof NUMBERS]] = value;
    } else if (Object.hasOwn(LISTS, field)) {
      const isList = Array.isArray(value) && value.length <= 100 && value.every(one => isName(one));
      if (value !== null && !isList) complain(path, 'a list of up to 100 names, or null for all of them, is needed.');
      set[LISTS[field as keyof typeof LISTS]] = value;
    } else complain(path, `unknown limit; known: ${[...Object.keys(NUMBERS), ...Object.keys(LISTS)].join(', ')}.`);
  }
  return set as Partial<TenantLimits>;
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

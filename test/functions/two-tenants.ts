/** Two tenants with a thing of every kind on one server, and whoever tries each other's ids. */
import { createHash, randomBytes } from 'node:crypto';
import { createAuthenticator } from '#core/accounts/authenticate.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { scopes } from '#core/accounts/scopes.ts';
import { relay } from '#core/jobs/relay.ts';
import type { ReviewItem } from '#core/policy/content/review.ts';
import { type ReviewRecord, reviewSpace, timesOf } from '#core/policy/reviews/review-record.ts';
import { routes } from '#functions/routes.ts';
import { openTo } from '#local/embedded.ts';
import { ALL_TASKS } from '#test/core/model-card.ts';
import { type CardServer, startCardServer } from './card-server.ts';

/** A key of the operator, known by its hash. */
export const OPERATOR = 'rly_operator_of_the_test';
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

/** A server that asks for keys, whose operator has one. */
export function startKeyedServer(isKeyless = false): Promise<CardServer> {
  return startCardServer([ALL_TASKS], ({ kv, now, sha256 }) => ({
    authenticate: openTo(createAuthenticator({ kv, now, sha256 }), { isKeyless, keySha256s: hashOf(OPERATOR) }),
    rates: createRateLimiter(now),
    keyEnvironment: 'test',
  }));
}

/** A call as somebody; with a body where fields are given. */
export async function callAs(server: CardServer, key: string, method: string, path: string, fields?: unknown) {
  const type = fields === undefined ? {} : { 'content-type': 'application/json' };
  const body = fields === undefined ? null : JSON.stringify(fields);
  const answer = await fetch(server.url + path, {
    method,
    headers: { ...(key === '' ? {} : { authorization: `Bearer ${key}` }), ...type },
    body,
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** The same, that has to work. */
export async function doAs(
  server: CardServer,
  key: string,
  method: string,
  path: string,
  fields?: unknown,
): Promise<any> {
  const { status, text } = await callAs(server, key, method, path, fields);
  if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
  return JSON.parse(text);
}

/** A tenant with everything that a tenant can have, and a key that may do all but what is the operator's. */
export interface Tenant {
  readonly id: string;
  readonly key: string;
  /** By the path of its collection. */
  readonly ids: Readonly<Record<string, string>>;
  /** Whatever must never be in an answer to somebody else. */
  readonly secrets: readonly string[];
}

/** What every tenant may be allowed. */
export const tenantScopes = scopes.filter(scope => !['tenants:admin', 'policy:admin'].includes(scope));

/** Makes a tenant and a thing of each kind. */
export async function makeTenant(server: CardServer, id: string): Promise<Tenant> {
  const as = (key: string) => (method: string, path: string, fields?: unknown) =>
    doAs(server, key, method, path, fields);
  const operator = as(OPERATOR);
  await operator('POST', '/v1/tenants', { id });
  const made = await operator('POST', '/v1/keys', { tenant: id, name: `first of ${id}`, scopes: tenantScopes });
  const own = as(made.key);
  const url = `https://hooks.example/${id}`;
  const endpoint = await own('POST', '/v1/webhook_endpoints', { name: id, url, event_types: ['video.completed'] });
  const prompt = `a circle of ${id}`;
  const video = await own('POST', '/v1/videos', { prompt, seed: 1 });
  await server.finish();
  const ended = await server.deps.store.load(video.id);
  if (ended !== undefined) await relay(server.deps, ended); // as the sweeper does: the receiver is owed a delivery
  const deliveries = await own('GET', `/v1/webhook_endpoints/${endpoint.id}/deliveries`);
  const review = await waitingReview(server, id);
  const consent = await own('POST', '/v1/policy/consents', {
    ...{ subject: `person of ${id}`, names: [`Person ${id}`], evidence_sha256: hashOf(id) },
    valid_to: Math.floor(Date.now() / 1000) + 86_400,
  });
  const ids = {
    '/v1/videos': video.id,
    '/v1/keys': made.id,
    '/v1/webhook_endpoints': endpoint.id,
    '/v1/webhook_deliveries': deliveries.data[0].id,
    '/v1/policy/reviews': review,
    '/v1/policy/consents': consent.id,
  };
  return { id, key: made.key, ids, secrets: [...Object.values(ids), prompt, url, `first of ${id}`] };
}

/** Something that waits for a reviewer. */
async function waitingReview({ deps }: CardServer, tenant: string): Promise<string> {
  const id = `rev_${randomBytes(16).toString('hex')}`;
  const item: ReviewItem = {
    ...{ v: 1, id, tenant, requester: `person of ${tenant}`, verdict: 'review', rules: ['rule'], policyHash: 'hash' },
    ...{ state: 'waiting', blurred: true, decidedBy: null, decidedAtMs: null, views: [] },
    dueAtMs: deps.now() + 3_600_000,
  };
  const texts = { mark: 'mark', promptMark: 'mark', appeal: null };
  const value: ReviewRecord = { v: 1, item, jobId: null, residency: 'standard', ...texts };
  await deps.kv.put({ space: reviewSpace(tenant), name: id, value, ...timesOf(value) });
  return id;
}

/** Routes with an id that is not a tenant's: what everybody has, what nobody has, and the operator's. */
const NOBODYS = ['/v1/models', '/v1/videos/characters', '/v1/tenants', '/v1/subjects'];

/** Every route that takes an id of a tenant's thing, and what its path begins with. */
export const routesWithId: readonly { readonly method: string; readonly path: string; readonly of: string }[] =
  Object.keys(routes).flatMap(key => {
    const [method = '', path = ''] = key.split(' ');
    const of = /^(.*?)\/\{/.exec(path)?.[1];
    return of === undefined || NOBODYS.includes(of) ? [] : [{ method, path, of }];
  });

/** An id of the same form that nobody has. */
export function strangeId(id: string): string {
  const last = id.at(-1) === '0' ? '1' : '0';
  return id.slice(0, -1) + last;
}

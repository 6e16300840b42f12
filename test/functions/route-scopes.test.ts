import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { localPrincipal } from '#core/accounts/authenticate.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { isScope, type Scope, scopes } from '#core/accounts/scopes.ts';
import { localTenant } from '#core/accounts/tenant.ts';
import type { Deps } from '#functions/deps.ts';
import { speaksIn } from '#functions/middleware.ts';
import { routes } from '#functions/routes.ts';
import { toContext, toEvent } from '#local/http-event.ts';

/** Nothing behind the doors: who is let through one finds no store. */
function deps(rates = createRateLimiter(() => 0)): Deps {
  const told = { canStream: false, log: () => undefined, describe: async () => ({ secret: 'details' }) };
  return { ...told, now: () => 0, rates, authenticate: async () => localPrincipal() } as unknown as Deps;
}

/** What a route answers to somebody with these scopes. */
async function answerTo(key: string, has: readonly Scope[], on = deps()) {
  const [method = '', path = ''] = key.split(' ');
  const request = { method, url: path, headers: {}, httpVersion: '1.1', socket: {} };
  const parameters = { id: 'video_0', subject: 'ann' };
  const event = toEvent(request as never, Buffer.alloc(0), { key, parameters });
  const account = { ...localTenant, limits: { ...localTenant.limits, requestsPerMinute: 1 } };
  const result = await routes[key]!(on)(speaksIn({ ...localPrincipal(account), scopes: has }, event), toContext(event));
  const { status, error } = { status: result.statusCode, ...JSON.parse(result.body ?? '{}') };
  return { status: result.statusCode ?? status, message: String(error?.message), headers: result.headers, error };
}

/** The scope that a route asks for, as it says itself to who has none; undefined for a public one. */
async function scopeOf(key: string): Promise<string | undefined> {
  const { status, message } = await answerTo(key, []);
  return status === 403 ? (/lacks the scope "(.+)"\.$/.exec(message)?.[1] ?? message) : undefined;
}

describe('every route', () => {
  test('asks for one scope, and only health for none', async () => {
    for (const key of Object.keys(routes)) {
      const scope = await scopeOf(key);
      expect([key, key === 'GET /health' ? scope === undefined : isScope(scope)]).toEqual([key, true]);
    }
  });

  test('opens to nobody who has all scopes but that one, and names it', async () => {
    for (const key of Object.keys(routes)) {
      const scope = await scopeOf(key);
      if (scope === undefined) continue;
      const others = scopes.filter(other => other !== scope);
      expect(await answerTo(key, others)).toMatchObject({
        status: 403,
        error: { code: 'forbidden', message: `Authorization: this key lacks the scope "${scope}".` },
      });
    }
  });

  test('has its scope in docs/api.md', async () => {
    const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| (`[A-Z]+ \/.+`) \| (?:`([\w:]+)`|none) \|$/gm)];
    const told = new Map(
      rows.flatMap(([, names = '', scope]) =>
        [...names.matchAll(/`([^`]+)`/g)].map(([, key = '']) => [key, scope] as const),
      ),
    );
    const asked = new Map<string, string | undefined>();
    for (const key of Object.keys(routes)) asked.set(key, await scopeOf(key));
    expect(Object.fromEntries([...asked.keys()].map(key => [key, told.get(key)]))).toEqual(Object.fromEntries(asked));
    expect([...asked.keys()].filter(key => !told.has(key))).toEqual([]);
  });

  test('counts against the rate of its tenant, all together, but for health', async () => {
    const on = deps();
    expect((await answerTo('GET /v1/keys', [], on)).status).toBe(403);
    for (const key of Object.keys(routes).filter(name => name !== 'GET /health'))
      expect([key, await answerTo(key, scopes, on)]).toMatchObject([
        key,
        { status: 429, headers: { 'retry-after-ms': '60000', 'retry-after': '60', 'x-should-retry': 'true' } },
      ]);
    expect((await answerTo('GET /health', scopes, on)).status).toBe(200);
  });
});

describe('health', () => {
  test('tells its details to an operator only', async () => {
    const on = deps();
    const told = async (has: readonly Scope[]) => {
      const event = toEvent({ method: 'GET', url: '/health', headers: {}, socket: {} } as never, Buffer.alloc(0), {
        key: 'GET /health',
        parameters: {},
      });
      speaksIn({ ...localPrincipal(), scopes: has }, event);
      return JSON.parse((await routes['GET /health']!(on)(event, toContext(event))).body ?? '');
    };
    expect(await told(scopes)).toEqual({ status: 'ok', secret: 'details' });
    expect(await told(scopes.filter(scope => scope !== 'tenants:admin'))).toEqual({ status: 'ok' });
  });
});

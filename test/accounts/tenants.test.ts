import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRateLimiter, takeToken } from '#core/accounts/rate-limit.ts';
import { createMemory } from '#core/accounts/remember.ts';
import { checkTenantRequest, defaultTenant, noLimits } from '#core/accounts/tenant.ts';
import {
  createTenant,
  listTenants,
  readInstallationBudget,
  readTenant,
  setInstallationBudget,
  updateTenant,
} from '#core/accounts/tenants.ts';
import { openWorld, type World } from './account-world.ts';

let world: World;
let ports: World['kv'] extends infer K ? { kv: K; now: () => number } : never;
beforeEach(() => {
  world = openWorld();
  ports = { kv: world.kv, now: () => world.time.nowMs };
});
afterEach(() => world.close());

describe('tenants', () => {
  test('are made once, changed field by field, and listed', async () => {
    const made = await createTenant(ports, 'acme', {
      limits: { queued_jobs: 5, models: ['a'] },
      budget: { month: '500' },
    });
    expect(made).toMatchObject({
      name: 'acme',
      suspended: false,
      limits: { queuedJobs: 5, models: ['a'], maxSeconds: null },
    });
    await expect(createTenant(ports, 'acme', {})).rejects.toThrow('already');
    await updateTenant(ports, 'acme', { limits: { queued_jobs: null, max_seconds: 4.5 }, suspended: true });
    expect(await readTenant(ports, 'acme')).toMatchObject({
      limits: { queuedJobs: null, maxSeconds: 4.5, models: ['a'] },
      suspended: true,
      budget: { day: null, month: 500_000_000 },
    });
    expect((await listTenants(ports, { limit: 10 })).map(tenant => tenant.id)).toEqual(['acme']);
  });

  test('that nobody made are unknown, but for the one of embedded mode, which can be limited too', async () => {
    expect(await readTenant(ports, 'nobody')).toBeUndefined();
    expect(await readTenant(ports, 'default')).toEqual(defaultTenant);
    await updateTenant(ports, 'default', { budget: { day: '1' } });
    expect((await readTenant(ports, 'default'))?.budget).toEqual({ day: 1_000_000, month: null });
    await expect(updateTenant(ports, 'nobody', {})).rejects.toMatchObject({ code: 'not_found' });
  });

  test('with names or limits that cannot be are refused, with every problem', async () => {
    for (const id of ['', 'A', 'a/b', '-a', '__proto__', 'a'.repeat(41)])
      await expect(createTenant(ports, id, {})).rejects.toThrow('id:');
    const wrong = {
      name: 5,
      suspended: 'no',
      limits: { queued_jobs: -1, models: 'a', x: 1 },
      budget: { week: 1 },
      y: 1,
    };
    await expect(createTenant(ports, 'acme', wrong)).rejects.toMatchObject({
      problems: ['y', 'name', 'suspended', 'limits.queued_jobs', 'limits.models', 'limits.x', 'budget.week'].map(path =>
        expect.objectContaining({ path }),
      ),
    });
    expect((await createTenant(ports, 'constructor', {})).id).toBe('constructor');
  });

  test('may ask for what they may have and nothing else, and are told all that is too much at once', () => {
    const limits = {
      ...noLimits,
      maxPixels: 400_000,
      maxSeconds: 5,
      models: ['a'],
      residency: ['standard'],
      queuedJobs: 2,
    };
    const request = { model: 'a', size: '832x480', seconds: 5, residency: 'standard' };
    const check = (some: object, queued = 0) =>
      checkTenantRequest({ suspended: false, limits }, { ...request, ...some }, queued);
    expect(check({})).toBeUndefined();
    expect(check({ model: 'b', size: '1280x720', seconds: 6, residency: 'eu' })).toMatchObject({
      code: 'tenant_limit',
      param: 'model',
      message: expect.stringMatching(/model:.*size:.*seconds:.*residency:/),
    });
    expect(check({}, 2)).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) });
    expect(checkTenantRequest({ suspended: true, limits: noLimits }, request, 0)).toMatchObject({ code: 'forbidden' });
    expect(checkTenantRequest(defaultTenant, request, 1e9)).toBeUndefined();
  });

  test("the installation's budget is what was last set", async () => {
    expect(await readInstallationBudget(ports)).toEqual({ day: null, month: null });
    await setInstallationBudget(ports, { day: 5, month: 7 });
    expect(await readInstallationBudget(ports)).toEqual({ day: 5, month: 7 });
  });
});

describe('requests a minute', () => {
  test('are let through at that rate after a burst of as many, and told when to come again', () => {
    const time = { ms: 0 };
    const limiter = createRateLimiter(() => time.ms);
    const passed = () =>
      Array.from({ length: 100 }, () => limiter.check('acme', 60)).filter(refused => refused === undefined).length;
    expect(passed()).toBe(60);
    expect(limiter.check('acme', 60)).toMatchObject({ code: 'rate_limited', retryAfterMs: 1_000 });
    expect(limiter.check('other', 60)).toBeUndefined();
    time.ms += 999;
    expect(passed()).toBe(0);
    time.ms += 1;
    expect(passed()).toBe(1);
    time.ms += 3_600_000;
    expect(passed()).toBe(60);
    expect(limiter.check('acme', null)).toBeUndefined();
    expect(limiter.check('none', 0)?.retryAfterMs).toBe(60_000);
  });

  test('do not come faster when the clock goes back', () => {
    const { bucket } = takeToken({ tokens: 1, atMs: 100_000 }, 60, 40_000);
    expect(bucket).toEqual({ tokens: 0, atMs: 100_000 });
    expect(takeToken(bucket, 60, 99_000).waitMs).toBeGreaterThan(0);
  });
});

describe('what is remembered', () => {
  test('is used for its time and no longer, counted from before it was read, and never after the clock went back', () => {
    const memory = createMemory<string>(10, 2);
    memory.set('a', 'x', 100);
    expect([109, 110, 99].map(nowMs => memory.get('a', nowMs))).toEqual(['x', undefined, undefined]);
    memory.set('b', 'y', 100);
    memory.set('c', 'z', 100);
    expect(memory.get('a', 105)).toBeUndefined();
    memory.forget('c');
    expect([memory.get('b', 105), memory.get('c', 105)]).toEqual(['y', undefined]);
  });
});

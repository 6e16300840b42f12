import { afterEach, beforeEach, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { flushUsage } from '#core/accounts/flush-usage.ts';
import { rememberDry } from '#core/accounts/ledger-store.ts';
import { parseUsageQuery, readUsage, usageCsv, usageGroups } from '#core/accounts/usage-report.ts';
import { asking, budgetsOf, completed, dyingAt, failed, noon, openWorld, today, type World } from './account-world.ts';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

const all = { first: '2026-11-01', last: '2026-11-30', by: usageGroups };

async function use(
  id: string,
  micros: number,
  some: object = {},
  closing: typeof completed | typeof failed = completed,
) {
  const { ledger } = world.process();
  await ledger.hold(asking(id, micros, budgetsOf(), some));
  await ledger.close('acme', id, closing);
}

test('usage is told by day, key and model, or summed over any of them', async () => {
  await use('a', 10);
  await use('b', 20, { model: 'large', outputMs: 2_500 });
  await use('c', 40, { keyId: 'key_b' });
  await use('d', 999, {}, failed);
  world.time.nowMs += 86_400_000;
  await use('e', 80);
  const counts = { uncharged: 0, outputMs: 1_000, gpuMs: 500 };
  expect((await readUsage(world, 'acme', all)).rows).toEqual([
    { day: today, key: 'key_a', model: 'large', ...counts, completed: 1, outputMs: 2_500, micros: 20 },
    { day: today, key: 'key_a', model: 'tiny', ...counts, completed: 1, uncharged: 1, micros: 10 },
    { day: today, key: 'key_b', model: 'tiny', ...counts, completed: 1, micros: 40 },
    { day: '2026-11-22', key: 'key_a', model: 'tiny', ...counts, completed: 1, micros: 80 },
  ]);
  const byKey = await readUsage(world, 'acme', { ...all, by: ['key'] });
  expect(byKey.rows.map(({ key, model, micros }) => [key, model, micros])).toEqual([
    ['key_a', null, 110],
    ['key_b', null, 40],
  ]);
  expect(byKey.total).toMatchObject({ completed: 4, uncharged: 1, micros: 150 });
  expect((await readUsage(world, 'acme', { ...all, last: today })).total.micros).toBe(70);
  expect((await readUsage(world, 'other', all)).rows).toEqual([]);
});

test('usage is the same before, while and after it goes to the entries of its days, wherever that stops', async () => {
  for (let n = 0; n < 10; n++) await use(`job${n}`, n, { model: `m${n % 3}` });
  const before = await readUsage(world, 'acme', all);
  expect(before.total.micros).toBe(45);
  for (let write = 1; write < 5; write++)
    for (const moment of ['before', 'after'] as const) {
      const ports = { ...world.process(dyingAt(world.kv, write, moment)).ports, dry: rememberDry() };
      await flushUsage(ports, 'acme').catch(() => undefined);
      expect(await readUsage(world, 'acme', all), `${moment} write ${write}`).toEqual(before);
    }
  await use('more', 55, { model: 'm0' });
  expect((await readUsage(world, 'acme', all)).total.micros).toBe(100);
});

test('usage leaves the ledger before it grows large', async () => {
  const many = 2 * accountLimits.maxUsageRows;
  for (let n = 0; n < many; n++) await use(`job${n}`, 1, { model: `m${n}` });
  await expect.poll(async () => (await world.kv.get(`usage/acme`, today)) !== undefined).toBe(true);
  expect((await readUsage(world, 'acme', all)).rows).toHaveLength(many);
});

test('a question that makes no sense is answered with its field', () => {
  expect(parseUsageQuery({}, noon)).toEqual({ first: '2026-11-01', last: today, by: usageGroups });
  expect(parseUsageQuery({ from: today, to: today, group_by: 'model' }, noon)).toEqual({
    first: today,
    last: today,
    by: ['model'],
  });
  for (const [wrong, path] of [
    [{ from: 'x' }, 'from'],
    [{ to: '2026-02-30' }, 'to'],
    [{ from: '2026-11-22', to: today }, 'to'],
    [{ from: '2024-01-01', to: today }, 'to'],
    [{ group_by: 'tenant' }, 'group_by'],
  ] as const)
    expect(() => parseUsageQuery(wrong, noon), path).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
    );
});

test('as CSV it is read the same by a spreadsheet, which runs none of it', async () => {
  await use('a', 1_250_000, { model: '=1+1,"x"' });
  await use('b', 1, { keyId: null, budgetKey: null });
  expect(usageCsv(await readUsage(world, 'acme', all))).toBe(
    [
      'day,key,model,completed,uncharged,output_seconds,gpu_seconds,cost_usd',
      `${today},key_a,"'=1+1,""x""",1,0,1,0.5,1.25`,
      `${today},,tiny,1,0,1,0.5,0.000001`,
      '',
    ].join('\r\n'),
  );
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { defaultTenant, parseTenantFields } from '#core/accounts/tenant.ts';
import { createTenant, updateTenant } from '#core/accounts/tenants.ts';
import { endJob } from '#core/jobs/end.ts';
import { limits } from '#core/limits.ts';
import { toTenant } from '#functions/account-wire.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { openWorld } from './account-world.ts';

describe('what a tenant chooses', () => {
  test('of disclosure and retention is set as a whole, shown, and lifted by null', async () => {
    const world = openWorld();
    const ports = { kv: world.kv, now: () => world.time.nowMs };
    const set = { disclosure: { profiles: ['cn'], label: true }, retention: { output: 7 } };
    expect(toTenant(await createTenant(ports, 'acme', set))).toMatchObject(set);
    expect(toTenant(await updateTenant(ports, 'acme', { name: 'Acme' }))).toMatchObject({ name: 'Acme', ...set });
    const lifted = await updateTenant(ports, 'acme', { disclosure: null, retention: null });
    expect(toTenant(lifted)).toMatchObject({ disclosure: null, retention: null });
    world.close();
  });

  test.each([
    [7, 7],
    [null, limits.artifactDays],
  ])('keeps a job for %s days after its end: %i', async (keptDays, days) => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-kept-'));
    const db = openDatabase(folder);
    const store = createSqliteJobStore(db);
    const job = makeJob({ keptDays });
    await store.create(job);
    const nowMs = job.createdAtMs + 1000;
    const ended = await endJob(store, job, { status: 'failed', error: { code: 'x', message: 'x' }, nowMs });
    expect(ended?.expiresAtMs).toBe(nowMs + days * 86_400_000);
    db.close();
    await rm(folder, { recursive: true });
  });

  test.each([
    [{ retention: { output: 0 } }, 'retention.output: whole days from 1 to 30 are needed'],
    [{ retention: { output: 31 } }, 'retention.output'],
    [{ retention: { output: '7' } }, 'retention.output'],
    [{ retention: { prompt: 1, output: 7 } }, 'retention.prompt: unknown field; known fields: output.'],
    [{ disclosure: { profiles: ['mars'] } }, 'disclosure.profiles: a list of some of'],
    [{ disclosure: 'cn' }, 'disclosure: an object with profiles and label'],
  ])('is refused in a sentence where it makes no sense: %j', (input, sentence) => {
    expect(() => parseTenantFields(input, defaultTenant)).toThrow(sentence);
  });
});

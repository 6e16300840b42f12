import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createConsent, listConsents, listOutputs, revoke } from '#core/policy/consents/consents.ts';
import { finishJobs } from '#test/drop/drop-world.ts';
import { ANNA, openPolicyWorld, type PolicyWorld, REVIEWED } from './policy-world.ts';

let world: PolicyWorld;
beforeEach(() => {
  world = openPolicyWorld();
});
afterEach(() => world.close());

const DAY_SECONDS = 86_400;
const inDays = (days: number) => Math.floor(world.ports.now() / 1000) + days * DAY_SECONDS;
const fields = () => ({
  subject: 'Martha Ellingworth',
  names: ['Martha Ellingworth'],
  evidence_sha256: 'e'.repeat(64),
  valid_to: inDays(30),
});
const attest = (more: object = {}) =>
  createConsent(world.ports, { tenant: 'local', by: 'local/boris' }, { ...fields(), ...more });
const askWith = (...consents: string[]) => world.ask(REVIEWED, ANNA, { consents });

describe('a consent record', () => {
  test('lets its person be shown where the request names it, and holds no name', async () => {
    const { id } = await attest();
    const job = await askWith(id);
    expect(job).toMatchObject({
      review: null,
      content: { outcome: 'allow', consents: [id] },
      request: { consents: [id] },
    });
    expect((await world.ask(REVIEWED)).review?.state).toBe('waiting');
    expect(JSON.stringify(world.db.prepare('SELECT * FROM entries').all())).not.toMatch(/ellingworth/i);
    expect((await listConsents(world.ports, 'local', { limit: 5 })).records.map(record => record.id)).toEqual([id]);
    expect((await listConsents(world.ports, 'acme', { limit: 5 })).records).toEqual([]);
  });

  test('counts no more once it is revoked or over, and revoking lists what was made with it', async () => {
    const { id } = await attest();
    const job = await askWith(id);
    await finishJobs(world.ports);
    await askWith(id); // not finished: there is nothing to take down
    const { revokedAtMs } = await revoke(world.ports, 'local', id);
    expect((await revoke(world.ports, 'local', id)).revokedAtMs).toBe(revokedAtMs);
    expect((await listOutputs(world.ports, 'local', id, null)).outputs.map(output => output.jobId)).toEqual([job.id]);
    expect((await askWith(id)).review?.state).toBe('waiting');
    const short = await attest();
    world.pass(31 * DAY_SECONDS * 1000);
    expect((await askWith(short.id)).review?.state).toBe('waiting');
  });

  test('counts for its tenant alone, and only where this installation sealed it', async () => {
    const { id } = await attest();
    await expect(revoke(world.ports, 'acme', id)).rejects.toMatchObject({ code: 'not_found' });
    const { kv } = world.ports;
    const entry = (await kv.get('policy_consents/local', id))!;
    const { record, seal } = entry.value as { record: object; seal: string };
    const forged = {
      ...entry,
      name: `con_${'0'.repeat(32)}`,
      value: { record: { ...record, id: `con_${'0'.repeat(32)}` }, seal },
    };
    await kv.put(forged);
    expect((await askWith(forged.name)).review?.state).toBe('waiting');
    await revoke(world.ports, 'local', forged.name);
    expect(((await kv.get('policy_consents/local', forged.name))!.value as { seal: string }).seal).toBe('');
    expect((await askWith(`con_${'1'.repeat(32)}`)).review?.state).toBe('waiting');
  });

  test('is refused with every problem told', async () => {
    const bad = { subject: '', names: [7], evidence_sha256: 'x', valid_to: inDays(4_000), why: 1 };
    await expect(createConsent(world.ports, { tenant: 'local', by: 'x' }, bad)).rejects.toMatchObject({
      problems: ['why', 'subject', 'names', 'evidence_sha256', 'valid_to'].map(path => ({ path })),
    });
    await expect(attest({ names: [] })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(world.ask('x', ANNA, { consents: ['mine'] })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

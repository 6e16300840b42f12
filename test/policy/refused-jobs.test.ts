import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPolicies } from '#adapters/policy-files.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { failJob } from '#core/jobs/lease.ts';
import { quoteVideo } from '#core/jobs/quote-video.ts';
import { remix } from '#core/jobs/remix.ts';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { appeal, parseAppeal } from '#core/policy/reviews/appeal.ts';
import { keyedOf } from '#core/policy/reviews/installation-key.ts';
import { decideReview, listOpenReviews, viewReview } from '#core/policy/reviews/queue.ts';
import { createMemoryAudit } from '#test/audit/memory-audit.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { finishJobs } from '#test/drop/drop-world.ts';
import { ANNA, DENIED, openPolicyWorld, operator, type PolicyWorld, UNASKED } from './policy-world.ts';

let world: PolicyWorld;
beforeEach(() => {
  world = openPolicyWorld();
});
afterEach(() => world.close());

const DAY_MS = 86_400_000;
const requester = 'local/anna';
const refusal = async (prompt: string): Promise<Error & { code: string }> =>
  world.ask(prompt).then(
    () => expect.unreachable('it was taken'),
    error => error,
  );
const idIn = ({ message }: Error) => /rev_[0-9a-f]{32}/.exec(message)![0];
const tables = () => JSON.stringify(world.db.prepare('SELECT * FROM entries').all());

describe('a refused request', () => {
  test('is told its part of the policy, that it cost nothing and where to object, and leaves no job and no text', async () => {
    const error = await refusal(DENIED);
    expect(error).toMatchObject({ code: 'policy_denied', retryable: false });
    for (const told of ['floor.intimate', 'Nothing was charged', 'POST /v1/policy/appeals', 'rev_'])
      expect(error.message).toContain(told);
    expect((await world.ports.store.list('local', { limit: 9, order: 'asc' })).jobs).toEqual([]);
    expect(await world.ports.queue.depth()).toBe(0);
    expect(tables()).not.toContain('Ellingworth');
    expect(tables()).not.toContain('ledger');
    expect((await refusal(UNASKED)).code).toBe('likeness_consent_required');
  });

  test('tells the ledger the rules that it keeps from whoever asked', async () => {
    const audit = createMemoryAudit();
    const told = openPolicyWorld({ audit });
    await expect(told.ask(DENIED)).rejects.toThrow(/^(?!.*intimate\.real-person)/);
    const refused = audit.events.find(({ action }) => action === 'policy.refuse');
    expect(refused).toMatchObject({
      decision: { outcome: 'deny', rules: ['intimate.real-person', 'likeness.named'], policy: expect.any(String) },
    });
    told.close();
  });

  test('leaves the same trace as a quote: nobody tries the policy out unseen', async () => {
    const audit = createMemoryAudit();
    const asked = openPolicyWorld({ audit });
    const { reasons, needsReview } = await quoteVideo(asked.ports, 'local', { prompt: DENIED }, ANNA);
    expect({ codes: reasons.map(({ code }) => code), needsReview }).toEqual({
      codes: ['policy_denied'],
      needsReview: false,
    });
    const [refused] = audit.events.filter(({ action }) => action === 'policy.refuse');
    expect(refused?.object).toEqual({ kind: 'review', name: idIn(reasons[0]!) });
    const allowed = await quoteVideo(asked.ports, 'local', { prompt: 'a red ball' }, ANNA);
    expect({ ...allowed, told: audit.events.length }).toMatchObject({ reasons: [], told: 1 });
    asked.close();
  });

  test('is the same item again however often it is sent', async () => {
    expect(idIn(await refusal(DENIED))).toBe(idIn(await refusal(DENIED)));
    expect(await world.ports.kv.list('policy_refusals/local', { limit: 9 })).toHaveLength(1);
  });

  test('is refused by a store that cannot keep the refusal too', async () => {
    const { kv } = world.ports;
    await keyedOf(world.ports);
    const put = () => Promise.reject(new Error('full'));
    const broken = openPolicyWorld({ kv: { ...kv, put } });
    await expect(broken.ask(DENIED)).rejects.toMatchObject({ code: 'policy_denied' });
    broken.close();
  });
});

describe('an objection', () => {
  const object = (id: string, fields: object = {}, by = requester) =>
    appeal(
      world.ports,
      { tenant: 'local', requester: by },
      parseAppeal({ refusal: id, reason: 'It is a statue.', prompt: DENIED, ...fields }),
    );

  test('brings the refused text back, which is checked, and an operator decides about the rule and not the request', async () => {
    const id = idIn(await refusal(DENIED));
    await expect(object(id, { prompt: 'photo of a tree' })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(object(id, { prompt: undefined })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(object(id, {}, 'local/boris')).rejects.toMatchObject({ code: 'forbidden' });
    expect((await object(id)).item.state).toBe('appealed');
    expect((await object(id)).item.state).toBe('appealed');
    expect((await listOpenReviews(world.ports, 9)).records).toHaveLength(1);
    const { record } = await viewReview(world.ports, operator, 'local', id);
    expect(record.appeal).toMatchObject({ reason: 'It is a statue.', texts: { prompt: DENIED } });
    const decided = await decideReview(world.ports, operator, 'local', id, 'approve');
    expect(decided).toMatchObject({ item: { state: 'rule_at_fault' }, appeal: { texts: null } });
    expect(tables()).not.toContain('Ellingworth');
    expect((await refusal(DENIED)).code).toBe('policy_denied');
  });

  test('comes too late after thirty days', async () => {
    const id = idIn(await refusal(DENIED));
    world.pass((contentLimits.appealDays + 1) * DAY_MS);
    await expect(object(id)).rejects.toMatchObject({ code: 'unsupported_operation' });
  });
});

describe('the same rules hold', () => {
  test('for the new prompt of a remix', async () => {
    const source = await world.ask('a red ball');
    await finishJobs(world.ports);
    const again = (prompt: string) => remix(world.ports, 'local', source.id, { prompt }, { principal: ANNA });
    await expect(again(DENIED)).rejects.toMatchObject({ code: 'policy_denied' });
    expect((await again('a blue ball')).content?.outcome).toBe('allow');
  });

  test('for what is redriven, by the rules of the day', async () => {
    const job = await world.ask('a zeppelin lands');
    const taken = await world.take(job.id);
    if (taken.outcome !== 'leased') throw new Error(taken.outcome);
    await failJob(world.ports, taken.job, { code: 'render_failed', message: 'x' });
    const content = policiesOf({ v: 1, rules: [{ id: 'airships', any: ['zeppelin'] }] });
    const options = { limit: 9, pace: async () => undefined };
    const { jobs, dropped } = await redrive({ ...world.ports, content }, options);
    expect(jobs.size).toBe(0);
    expect(dropped.get(job.id)).toContain('tenant.airships');
  });
});

/** REELAY_POLICY as a file. */
function policiesOf(file: unknown) {
  const { path, remove } = temporaryFolder();
  writeFileSync(join(path, 'policy.json'), typeof file === 'string' ? file : JSON.stringify(file));
  try {
    return openPolicies(join(path, 'policy.json'));
  } finally {
    remove();
  }
}

describe('REELAY_POLICY', () => {
  test.each([
    ['what is no JSON', 'rules:'],
    ['a field that would allow', { v: 1, allow: ['x'] }],
    ['an outcome that would allow', { v: 1, rules: [{ id: 'a', any: ['x'], outcome: 'allow' }] }],
    ['one bad tenant among good ones', { tenants: { acme: { v: 1 }, globex: { v: 2 } } }],
  ])('stops the start at %s', (_, file) => {
    expect(() => policiesOf(file)).toThrow(/REELAY_POLICY: .*policy\.json/);
  });

  test('is a file for all, a map of tenants, or a folder of theirs; others have the floor', () => {
    const strict = { v: 1, reviewMeansDeny: true };
    expect(policiesOf(strict).policyOf('anyone').tenant.reviewMeansDeny).toBe(true);
    const some = policiesOf({ tenants: { acme: strict } });
    expect([some.policyOf('acme'), some.policyOf('globex')].map(p => p.tenant.reviewMeansDeny)).toEqual([true, false]);
    const asText = openPolicies(JSON.stringify({ tenants: { acme: strict } }));
    expect(asText.policyOf('acme').tenant.reviewMeansDeny).toBe(true);
    const { path, remove } = temporaryFolder();
    expect(() => openPolicies(path)).toThrow(/no <tenant>\.json/);
    writeFileSync(join(path, 'acme.json'), JSON.stringify(strict));
    expect(openPolicies(path).policyOf('acme').tenant.reviewMeansDeny).toBe(true);
    writeFileSync(join(path, 'Acme.yaml'), '{}');
    expect(() => openPolicies(path)).toThrow(/Acme\.yaml/);
    remove();
    expect(() => openPolicies(path)).toThrow(/ENOENT/);
  });
});

test('keyed hashes are HMAC-SHA-256 of the SHA-256, under one key of the installation, drawn once', async () => {
  const [keyed, other] = [await keyedOf(world.ports), await keyedOf({ ...world.ports, kv: { ...world.ports.kv } })];
  const { key } = (await world.ports.kv.get('policy/installation', 'key'))!.value as { key: string };
  const digest = createHash('sha256').update('reelay-policy/1\nname\njane roe').digest();
  const node = createHmac('sha256', Buffer.from(key, 'hex')).update(digest).digest('hex');
  expect([keyed('name', 'jane roe'), other('name', 'jane roe')]).toEqual([node, node]);
  expect(keyed('subject', 'jane roe')).not.toBe(node);
  expect(createHash('sha256').update('jane roe').digest('hex')).not.toBe(node);
});

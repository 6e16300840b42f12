import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { sweepLostMessages, sweepOutbox } from '#core/jobs/relay.ts';
import { standingsOrNone } from '#core/jobs/standing.ts';
import { sweeps } from '#core/jobs/sweeps.ts';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { preparePolicy } from '#core/policy/content/prepare-policy.ts';
import { parseTenantPolicy } from '#core/policy/content/tenant-policy.ts';
import { askedOf } from '#core/policy/reviews/ask.ts';
import { judgeAgain } from '#core/policy/reviews/judge.ts';
import { decideReview, listOpenReviews, listReviews, viewReview } from '#core/policy/reviews/queue.ts';
import { parkJob, sweepReviews } from '#core/policy/reviews/settle-review.ts';
import { toVideo } from '#functions/wire.ts';
import {
  ANNA,
  annaReviews,
  BORIS,
  borisReviews,
  openPolicyWorld,
  operator,
  type PolicyWorld,
  REVIEWED,
} from './policy-world.ts';

let world: PolicyWorld;
beforeEach(() => {
  world = openPolicyWorld();
});
afterEach(() => world.close());

const HOURS_MS = 3_600_000;
const redBalls = JSON.stringify({ v: 1, rules: [{ id: 'balls', any: ['red ball'], outcome: 'review' }] });
const onlyReviewed = preparePolicy(sha256Hex, parseTenantPolicy(redBalls));
const load = async (id: string) => (await world.ports.store.load(id))!;
const itemOf = async (id: string) => (await load(id)).review!.id;
const approve = async (id: string, who = borisReviews) => {
  await viewReview(world.ports, who, 'local', await itemOf(id));
  return decideReview(world.ports, who, 'local', await itemOf(id), 'approve');
};

describe('a job that a person has to look at', () => {
  test('is made, and no queue, count or token leads to it, while the tenant goes on', async () => {
    const job = await world.ask(REVIEWED);
    expect(job).toMatchObject({ status: 'queued', review: { state: 'waiting' }, content: { outcome: 'review' } });
    expect(toVideo(job)).toMatchObject({ status: 'queued', stage: 'review' });
    expect(await world.ports.queue.depth()).toBe(0);
    expect(await world.ports.store.countQueued(10)).toBe(0);
    expect((await standingsOrNone(world.ports, [job])).size).toBe(0);
    expect(await world.take(job.id)).toEqual({ outcome: 'done' });
    await sweepOutbox(world.ports);
    await sweepLostMessages(world.ports);
    expect(await world.ports.queue.depth()).toBe(0);
    const other = await world.ask('a red ball');
    expect(await world.take(job.id)).toMatchObject({ outcome: 'leased', job: { id: other.id } });
    expect(await load(job.id)).toMatchObject({ status: 'queued', attempt: 0 });
  });

  test('runs once somebody else has looked at it and approved', async () => {
    const { id } = await world.ask(REVIEWED);
    await expect(decideReview(world.ports, borisReviews, 'local', await itemOf(id), 'approve')).rejects.toMatchObject({
      code: 'unsupported_operation',
    });
    const seen = await viewReview(world.ports, borisReviews, 'local', await itemOf(id));
    expect(seen.job?.request.prompt).toBe(REVIEWED);
    expect(seen.record.item.views).toHaveLength(1);
    await approve(id);
    expect(await world.ports.queue.depth()).toBe(1);
    expect(await world.take(id)).toMatchObject({ outcome: 'leased', job: { id, review: { state: 'approved' } } });
  });

  test('is not looked at or decided by who asked for it, nor by another tenant', async () => {
    const { id } = await world.ask(REVIEWED, ANNA);
    await expect(approve(id, annaReviews)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(approve(id, { ...borisReviews, tenant: 'acme' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(approve(id, { ...borisReviews, role: 'requester' })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await approve(id, operator)).toMatchObject({ item: { state: 'approved' } });
  });

  test('fails when a reviewer denies it, and when nobody came for 48 hours, and tells where to object', async () => {
    const [denied, forgotten] = [await world.ask(REVIEWED), await world.ask(REVIEWED, ANNA, { seed: 2 })];
    await viewReview(world.ports, borisReviews, 'local', await itemOf(denied.id));
    await decideReview(world.ports, borisReviews, 'local', await itemOf(denied.id), 'deny');
    const { error, status, review } = await load(denied.id);
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'policy_denied' });
    expect(error?.message).toContain('POST /v1/policy/appeals');
    expect(error?.message).toContain(review!.id);
    world.pass((contentLimits.reviewHours - 1) * HOURS_MS);
    await sweepReviews(world.ports);
    expect((await load(forgotten.id)).status).toBe('queued');
    world.pass(2 * HOURS_MS);
    expect(Object.values(sweeps)).toContain(sweepReviews);
    expect(await sweepReviews(world.ports)).toBe(1);
    expect(await load(forgotten.id)).toMatchObject({ status: 'failed', error: { code: 'policy_denied' } });
    expect(await sweepReviews(world.ports)).toBe(0);
  });

  test('can be cancelled and deleted, and is decided no more', async () => {
    const [one, two] = [await world.ask(REVIEWED), await world.ask(REVIEWED, ANNA, { seed: 2 })];
    const [first, second] = [await itemOf(one.id), await itemOf(two.id)];
    expect((await cancel(world.ports, 'local', one.id)).status).toBe('cancelled');
    await deleteJob(world.ports, 'local', two.id);
    for (const item of [first, second]) {
      await viewReview(world.ports, borisReviews, 'local', item);
      await expect(decideReview(world.ports, borisReviews, 'local', item, 'approve')).rejects.toMatchObject({
        code: 'unsupported_operation',
      });
    }
    expect(await world.ports.queue.depth()).toBe(0);
  });

  test('is released by the sweep when whoever approved it died between the two writes', async () => {
    const { id } = await world.ask(REVIEWED);
    const { store } = world.ports;
    const dies = { ...world.ports, store: { ...store, transition: () => Promise.reject(new Error('killed')) } };
    await viewReview(world.ports, borisReviews, 'local', await itemOf(id));
    await expect(decideReview(dies, borisReviews, 'local', await itemOf(id), 'approve')).rejects.toThrow('killed');
    expect((await load(id)).review?.state).toBe('waiting');
    await sweepReviews(world.ports);
    expect((await load(id)).review?.state).toBe('approved');
    expect(await world.ports.queue.depth()).toBe(1);
  });

  test('is not left behind by a worker that died before it parked it, until the time to review was over', async () => {
    const { id } = await world.ask('a red ball');
    const [taken, asked] = [await world.take(id), { tenant: 'local', requester: 'local/anna' }];
    if (taken.outcome !== 'leased') throw new Error(taken.outcome);
    const strict = { ...world.ports, content: { policyOf: () => onlyReviewed } };
    const judged = await judgeAgain(strict, askedOf(taken.job.request, null, asked), taken.job);
    world.pass((contentLimits.reviewHours + 1) * HOURS_MS);
    expect(await sweepReviews(world.ports)).toBe(1);
    expect((await load(id)).status).toBe('in_progress');
    // A worker that asks now is told, and one that asked before, and hung, parks the job all the same.
    const again = judgeAgain(strict, askedOf(taken.job.request, null, asked), taken.job);
    await expect(again).rejects.toMatchObject({ code: 'policy_denied' });
    await parkJob(world.ports, taken.job, judged!);
    world.pass(contentLimits.lookAgainMs);
    expect(await sweepReviews(world.ports)).toBe(1);
    expect(await load(id)).toMatchObject({ status: 'failed', error: { code: 'policy_denied' } });
    expect(await sweepReviews(world.ports)).toBe(0);
  });

  test('needs no second look when the same person asks the same again, and one when somebody else does', async () => {
    await approve((await world.ask(REVIEWED)).id);
    expect((await world.ask(REVIEWED, ANNA, { seed: 9 })).review?.state).toBe('approved');
    expect((await world.ask(REVIEWED, BORIS)).review?.state).toBe('waiting');
    world.pass((contentLimits.passDays + 1) * 24 * HOURS_MS);
    expect((await world.ask(REVIEWED)).review?.state).toBe('waiting');
  });

  test('stands in the list of its tenant and of the operator, and in nobody else’s', async () => {
    for (let seed = 0; seed < 3; seed++) await world.ask(REVIEWED, ANNA, { seed });
    const page = await listReviews(world.ports, 'local', { limit: 2, all: false });
    expect(page).toMatchObject({ hasMore: true });
    const after = page.records.at(-1)!.item.id;
    expect((await listReviews(world.ports, 'local', { limit: 2, after, all: false })).records).toHaveLength(1);
    expect((await listOpenReviews(world.ports, 10)).records).toHaveLength(3);
    expect((await listReviews(world.ports, 'acme', { limit: 2, all: true })).records).toEqual([]);
  });
});

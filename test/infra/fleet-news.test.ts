import { expect, test } from 'vitest';
import { entryId } from '#adapters/aws/dynamo-entry-item.ts';
import { toItem } from '#adapters/aws/dynamo-job-item.ts';
import type { Job } from '#core/job.ts';
import { presenceSpace } from '#core/placement/presence.ts';
import { fleetNews } from '#infra/functions.ts';
import { makeJob } from '#test/contracts/make-job.ts';

/** An item as a stream's record shows it. */
const image = (job: Job | undefined) =>
  job &&
  Object.fromEntries(
    Object.entries(toItem(job, 'w')).map(([name, value]) => [
      name,
      typeof value === 'number' ? { N: String(value) } : typeof value === 'string' ? { S: value } : { BOOL: value },
    ]),
  );

/** Whether Lambda would hand the record over: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html */
function isNews(before: Job | undefined, after: Job | undefined): boolean {
  const eventName = before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY';
  const record = { eventName, dynamodb: { OldImage: image(before), NewImage: image(after) } };
  return fleetNews.some(pattern => matches(pattern, record));
}

function matches(pattern: any, value: any): boolean {
  if (!Array.isArray(pattern)) return Object.entries(pattern).every(([name, part]) => matches(part, value?.[name]));
  return pattern.some(one => {
    if (typeof one !== 'object') return one === value;
    return 'prefix' in one ? String(value).startsWith(one.prefix) : one.exists === (value !== undefined);
  });
}

const queued = makeJob({ status: 'queued' });
const running = makeJob({
  status: 'in_progress',
  attempt: 1,
  lease: { owner: 'w', expiresAtMs: 5_000 } as Job['lease'],
});
const done = makeJob({ status: 'completed', attempt: 1, lease: null });

test.each<[string, Job | undefined, Job | undefined, boolean]>([
  ['a new job', undefined, queued, true],
  ['a start', queued, running, true],
  ['an end', running, done, true],
  ['a job that goes back to the queue', running, queued, true],
  ['a cancel in the queue', queued, makeJob({ status: 'cancelled' }), true],
  ['progress and heartbeats', running, { ...running, version: running.version + 1 }, false],
  ['a change of a queued job that leaves its place', queued, { ...queued, version: queued.version + 1 }, false],
  ['a finished record that goes', done, undefined, false],
])('%s', (_, before, after, told) => {
  expect(isNews(before, after)).toBe(told);
});

test.each([
  ['INSERT', entryId(presenceSpace('cloud-spot'), 'worker-1'), true],
  ['REMOVE', entryId(presenceSpace('cellar'), 'worker-2'), true],
  // A beat a minute of each worker is no news.
  ['MODIFY', entryId(presenceSpace('cloud-spot'), 'worker-1'), false],
  ['INSERT', entryId('idempotency/acme', 'workers/x'), false],
])('%s of the entry %s', (eventName, id, told) => {
  const record = { eventName, dynamodb: { Keys: { id: { S: id } } } };
  expect(fleetNews.some(pattern => matches(pattern, record))).toBe(told);
});

test('are no more patterns than Lambda takes for one source', () => {
  expect(fleetNews.length).toBeLessThanOrEqual(5);
});

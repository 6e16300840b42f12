import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { total } from './call-counter.ts';
import { type CountedDeployment, startCountedDeployment } from './counted-deployment.ts';
import { measureJobs, told } from './measure.ts';
import { dollarsPerMillion } from './prices.ts';

/** Of one job, from the submit to the completion event; each has its use beside it. */
const CALLS = {
  'dynamodb:PutItem': 7, // create, message paid, lease, end, event paid; the ledger's head, twice
  'dynamodb:UpdateItem': 2, // the batches of the audit ledger: submit, end
  'sqs:SendMessage': 1,
  'sqs:ReceiveMessage': 1,
  'dynamodb:Query': 2, // the queue's heads; the tenant's webhooks
  'dynamodb:BatchGetItem': 1, // the heads' records
  's3:PutObject': 4, // video, thumbnail, spritesheet, receipt
  'events:PutEvents': 1,
  'sqs:DeleteMessage': 1,
} as const;
/** The queue is counted once a second and front door, the pace is noted once a minute and worker. */
const NOW_AND_THEN = ['dynamodb:GetItem'];

let deployment: CountedDeployment;
beforeAll(async () => {
  deployment = await startCountedDeployment();
  await measureJobs(deployment, 1); // the installation's salt, once for ever
});
afterAll(() => deployment.close());

describe('calls of AWS a job', () => {
  test.each([10, 50])('are these and no others at %i jobs', async jobs => {
    const measured = await measureJobs(deployment, jobs);
    process.stdout.write(`${told(measured)}\n`);
    const wanted = Object.fromEntries(Object.entries(CALLS).map(([name, count]) => [name, count * jobs]));
    const { 'dynamodb:Query': queries = 0, ...others } = measured.calls;
    const { 'dynamodb:Query': wantedQueries = 0, ...wantedOthers } = wanted;
    const steady = Object.entries(others).filter(([name]) => !NOW_AND_THEN.includes(name));
    // The pace is noted, at most once.
    const updates = 'dynamodb:UpdateItem';
    const noted = (others[updates] ?? 0) === (wantedOthers[updates] ?? 0) + 1 ? { [updates]: others[updates] } : {};
    expect(Object.fromEntries(steady)).toEqual({ ...wantedOthers, ...noted });
    expect(total(others, name => NOW_AND_THEN.includes(name))).toBeLessThanOrEqual(2);
    // One more each where a tenant has over 25 jobs waiting: the search jumps over them. And the count of a second.
    const [jumps, counts] = [Math.max(0, jobs - 25), Math.ceil(jobs / 5)];
    expect(queries).toBeGreaterThanOrEqual(wantedQueries);
    expect(queries).toBeLessThanOrEqual(wantedQueries + jumps + counts);
    expect(total(CALLS)).toBeLessThanOrEqual(20);
    expect(measured.dollarsPerMillion).toBeLessThan(50);
  });

  test('an idle worker polls with one call, and one round of sweeps asks the indexes and writes nothing', async () => {
    expect(await deployment.idlePoll()).toEqual({ 'sqs:ReceiveMessage': 1 });
    const swept = await deployment.sweep();
    expect(Object.keys(swept)).toEqual(['dynamodb:Query']);
    expect(total(swept)).toBeLessThanOrEqual(29);
  });

  test('an operation without a price is no free one', () => {
    expect(() => dollarsPerMillion({ 's3:SelectObjectContent': 1 }, 1)).toThrow('s3:SelectObjectContent has no price');
  });
});

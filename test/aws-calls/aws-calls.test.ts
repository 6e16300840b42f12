import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { total } from './call-counter.ts';
import { type CountedDeployment, startCountedDeployment } from './counted-deployment.ts';
import { measureJobs, told } from './measure.ts';
import { dollarsPerMillion } from './prices.ts';

/** Of one job, from the submit to the completion event; each has its use beside it. */
const CALLS = {
  // Create, message paid, lease, end, event paid; the audit ledger's head, twice; what the job holds of budgets, made and settled.
  'dynamodb:PutItem': 11,
  'sqs:SendMessage': 1,
  'sqs:ReceiveMessage': 1,
  'dynamodb:Query': 2, // the queue's heads; the tenant's webhooks
  'dynamodb:BatchGetItem': 1, // the heads' records
  's3:PutObject': 4, // video, thumbnail, spritesheet, receipt
  'events:PutEvents': 1,
  'sqs:DeleteMessage': 1,
} as const;
/** The queue is counted once a second and front door, the pace is noted once a minute and worker. */
const NOW_AND_THEN = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];

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
    expect(Object.fromEntries(steady)).toEqual(wantedOthers);
    // The tenant's sums and what is held of them are read; a job's hold, and a batch for each five of the audit ledger's two records.
    const most = { 'dynamodb:GetItem': 3 * jobs, 'dynamodb:UpdateItem': jobs + Math.ceil((2 * jobs) / 5) };
    for (const [name, count] of Object.entries(most)) expect(others[name] ?? 0, name).toBeLessThanOrEqual(count + 2);
    // One more each where a tenant has over 25 jobs waiting: the search jumps over them. And the count of a second.
    const [jumps, counts] = [Math.max(0, jobs - 25), Math.ceil(jobs / 5)];
    expect(queries).toBeGreaterThanOrEqual(wantedQueries);
    expect(queries).toBeLessThanOrEqual(wantedQueries + jumps + counts);
    expect(measured.perJob).toBeLessThan(28);
    expect(measured.dollarsPerMillion).toBeLessThan(50);
  });

  test('an idle worker polls with one call, and one round of sweeps asks the indexes and writes nothing', async () => {
    expect(await deployment.idlePoll()).toEqual({ 'sqs:ReceiveMessage': 1 });
    const swept = await deployment.sweep();
    expect(Object.keys(swept).filter(name => !/:(Query|GetItem)$/.test(name))).toEqual([]);
    expect(total(swept)).toBeLessThanOrEqual(46);
  });

  test('an operation without a price is no free one', () => {
    expect(() => dollarsPerMillion({ 's3:SelectObjectContent': 1 }, 1)).toThrow('s3:SelectObjectContent has no price');
  });
});

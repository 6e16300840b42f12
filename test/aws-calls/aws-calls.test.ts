import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { total } from './call-counter.ts';
import { type CountedDeployment, startCountedDeployment } from './counted-deployment.ts';
import { measureJobs, told } from './measure.ts';
import { dollarsPerMillion } from './prices.ts';

/** Of one job, from the submit to the completion event; each has its use beside it. */
const CALLS = {
  // submit: is there room, and the record that owes its message
  'dynamodb:Query': 3, // room; the queue's heads; the tenant's webhooks
  'dynamodb:PutItem': 5, // create, message paid, lease, end, event paid
  'sqs:SendMessage': 1,
  // work
  'sqs:ReceiveMessage': 1,
  'dynamodb:GetItem': 2, // the job that the message names; the pace so far
  'dynamodb:BatchGetItem': 1, // the heads' records
  's3:PutObject': 4, // video, thumbnail, spritesheet, receipt
  's3:HeadObject': 3,
  'events:PutEvents': 1,
  'dynamodb:UpdateItem': 1, // the pace
  'sqs:DeleteMessage': 1,
} as const;

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
    const wanted = Object.entries(CALLS).map(([name, count]) => [name, count * jobs]);
    // A page of the queue now and then: a backlog of one tenant is jumped over in a second one.
    const { 'dynamodb:Query': queries = 0, ...others } = measured.calls;
    const { 'dynamodb:Query': wantedQueries = 0, ...wantedOthers } = Object.fromEntries(wanted);
    expect(others).toEqual(wantedOthers);
    expect(queries).toBeGreaterThanOrEqual(wantedQueries);
    expect(queries).toBeLessThanOrEqual(wantedQueries + jobs);
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

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { metricNamespace } from '#core/placement/fleet-watch.ts';
import { routes } from '#functions/routes.ts';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { apiRoutes, type FunctionSpec, functions, outputOf } from '#infra/functions.ts';
import { CHECKOUT } from '#infra/model-cards.ts';
import { workerGrants } from '#infra/worker.ts';

const SPECS = Object.entries<FunctionSpec>(functions);

/** What a call of the SDK is called in IAM, where that is not its own name. */
const IAM_NAMES: Readonly<Record<string, string>> = {
  'dynamodb:Get': 'dynamodb:GetItem',
  'dynamodb:Put': 'dynamodb:PutItem',
  'dynamodb:Update': 'dynamodb:UpdateItem',
  'dynamodb:Delete': 'dynamodb:DeleteItem',
  'dynamodb:BatchGet': 'dynamodb:BatchGetItem',
  's3:HeadObject': 's3:GetObject',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:DeleteObjects': 's3:DeleteObject',
};

/** The actions that an adapter's calls need. */
function actionsIn(service: string, files: RegExp): readonly string[] {
  const folder = join(CHECKOUT, 'adapters', 'aws');
  const texts = readdirSync(folder)
    .filter(name => files.test(name))
    .map(name => readFileSync(join(folder, name), 'utf8'));
  const calls = texts.flatMap(text =>
    [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => `${service}:${name}`),
  );
  expect(calls.length).toBeGreaterThan(0);
  return [...new Set(calls.map(call => IAM_NAMES[call] ?? call))];
}

describe('the table of functions', () => {
  test('has every route of the API and no other', () => {
    expect([...apiRoutes].sort()).toEqual(Object.keys(routes).sort());
  });

  test.each(SPECS)('%s: its file exports what it names', (_, { file, export: name }) => {
    expect(readFileSync(join(CHECKOUT, file), 'utf8')).toMatch(new RegExp(`^export const ${name}\\b`, 'm'));
  });

  test.each([
    ['dynamodb', /^dynamo-/],
    ['sqs', /^sqs-/],
    // s3-objects.ts is how operators put bundles there.
    ['s3', /^s3-(blob|drop)/],
    ['events', /^eventbridge-/],
  ] as const)(
    'every call of %s that an adapter makes is allowed to some function and to the worker',
    (service, files) => {
      const needed = actionsIn(service, files);
      const granted = new Set(SPECS.flatMap(([, { grants }]) => grants.flatMap(grant => grant.actions)));
      expect(needed.filter(action => !granted.has(action))).toEqual([]);
      const ofWorkers = new Set(workerGrants.flatMap(grant => grant.actions));
      expect(needed.filter(action => !ofWorkers.has(action))).toEqual([]);
    },
  );

  test('nothing scans a table, nothing deletes one, and no action is a pattern', () => {
    const actions = SPECS.flatMap(([, { grants }]) => grants.flatMap(grant => grant.actions));
    const known = new Set(['s3:ListBucket']);
    expect(actions.filter(action => /Scan|Table|Queue$|Bucket$|\*/.test(action) && !known.has(action))).toEqual([]);
  });

  test('an API call ends before API Gateway gives it up, and a tick before the next one', () => {
    expect(functions.api.timeoutSeconds).toBeLessThan(30);
    expect(functions.tick.timeoutSeconds).toBeLessThan(60 * functions.tick.triggers[0].everyMinutes);
    expect(functions.autoscale.timeoutSeconds).toBeLessThan(60 * functions.autoscale.triggers[2].everyMinutes);
  });

  test('a drop is gone from its prefix only after its queue has given it up', () => {
    expect(cloudLimits.dropDays).toBeGreaterThan(limits.messageDays);
  });

  test('outputs are named after the variables they carry', () => {
    expect(outputOf('REELAY_QUEUE_URL')).toBe('ReelayQueueUrl');
    expect(metricNamespace).toBe('Reelay');
  });
});

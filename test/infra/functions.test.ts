import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { metricNamespace } from '#core/placement/fleet-watch.ts';
import { routes } from '#functions/routes.ts';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { apiRoutes, type FunctionSpec, functions, outputOf } from '#infra/functions.ts';
import { CHECKOUT } from '#infra/model-cards.ts';

const SPECS = Object.entries<FunctionSpec>(functions);

describe('the table of functions', () => {
  test('has every route of the API and no other', () => {
    expect([...apiRoutes].sort()).toEqual(Object.keys(routes).sort());
  });

  test.each(SPECS)('%s: its file exports what it names', (_, { file, export: name }) => {
    expect(readFileSync(join(CHECKOUT, file), 'utf8')).toMatch(new RegExp(`^export const ${name}\\b`, 'm'));
  });

  test('nothing scans a table, nothing deletes one, and no action is a pattern', () => {
    const actions = SPECS.flatMap(([, { grants }]) => grants.flatMap(grant => grant.actions));
    expect(actions.filter(action => /Scan|Table|Queue$|Bucket$|\*/.test(action))).toEqual(
      ['s3:ListBucket'].flatMap(one => actions.filter(action => action === one)),
    );
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

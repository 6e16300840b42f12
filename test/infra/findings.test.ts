import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildApp } from '#infra/app.ts';
import { knownWildcards } from '#infra/constructs/acknowledge.ts';
import { SYNTH_MS } from './templates.ts';

describe('what nobody has acknowledged stops the synthesis', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'reelay-findings-'));
  let refused: unknown;
  let report: any;
  beforeAll(() => {
    const settings = { '*': { fleet: null, onPrem: [{ pool: 'onprem-a', region: 'berlin' }] } };
    const { app, core } = buildApp({ outdir, settings });
    new Bucket(core, 'Careless');
    new CfnQueue(core, 'Impossible', { visibilityTimeout: 50_000 });
    core.functions.api.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
    const quiet = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const also = vi.spyOn(console, 'error').mockReturnValue(undefined);
    try {
      app.synth();
    } catch (error) {
      refused = error;
    }
    quiet.mockRestore();
    also.mockRestore();
    report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
  }, SYNTH_MS);
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  const found = () =>
    report.pluginReports.flatMap(({ violations }: any) =>
      violations.flatMap((one: any) =>
        (one.violatingConstructs ?? one.violatingResources).map((on: any) => `${one.ruleName} ${on.constructPath}`),
      ),
    );

  test('a bucket that is open to plain HTTP, and a right on everything', () => {
    expect((refused as Error).name).toBe('ValidationFailed');
    expect(found()).toContain('AwsSolutions-S10 ReelayCore/Careless/Resource');
    expect(found()).toContain('AwsSolutions-IAM5[Resource::*] ReelayCore/ApiRole/DefaultPolicy/Resource');
  });

  test('a number that SQS does not take', () => {
    expect(JSON.stringify(report)).toMatch(/VisibilityTimeout/);
  });

  test('and nothing else is found', () => {
    expect(found().filter((one: string) => !/Careless|Impossible|ApiRole/.test(one))).toEqual([]);
  });

  test('the known wildcards are narrow: a whole bucket, table, account or world is none of them', () => {
    const isKnown = (resource: string) => knownWildcards.some(one => one.resource.test(resource));
    for (const wide of [
      '*',
      '<Bucket.Arn>/*',
      '<Bucket.Arn>/*/videos/*',
      'arn:aws:s3:::*',
      '<Table.Arn>/*',
      'arn:aws:ecs:*:*:task/*',
    ])
      expect(isKnown(wide), wide).toBe(false);
    for (const narrow of ['<Bucket.Arn>/videos/*', '<Table.Arn>/index/*']) expect(isKnown(narrow), narrow).toBe(true);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { type FunctionSpec, functions } from '#infra/functions.ts';
import { type Found, type Resource, SYNTH_MS, synthesize } from './templates.ts';
import { evaluate } from './values.ts';

let built: ReturnType<typeof synthesize>;
let core: Found;
let gpu: Found;
beforeAll(() => {
  // Without an address, so that the budget tells the topic.
  built = synthesize({ checks: false, settings: { '*': { monthlyBudgetUsd: 100 } } });
  core = built.read('ReelayCore');
  gpu = built.read('ReelayGpu');
}, SYNTH_MS);
afterAll(() => built.clean());

test('what nobody can make again outlives its stack', () => {
  const kept = ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::SecretsManager::Secret'];
  const all = [core, gpu].flatMap(found => kept.flatMap(type => found.of(type)));
  expect(all.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(
    expect.arrayContaining(['EnclaveStandardBucket', 'EnclaveStandardTable', 'ReceiptKey']),
  );
  for (const [id, { DeletionPolicy }] of all) expect(DeletionPolicy, id).toBe('Retain');
});

test('the stack whose rights were decided by a region is refused in any other', () => {
  const { Assertions } = gpu.template.Rules.RegionOfTheSettings;
  expect(Assertions).toEqual([
    {
      Assert: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
      AssertDescription: expect.stringContaining('the settings say us-east-1'),
    },
  ]);
});

describe('what goes wrong is heard', () => {
  test("alarms and budgets of this account may tell the topic, whose own policy takes the default one's place", () => {
    const [[, { Properties }]] = core.of('AWS::SNS::TopicPolicy') as [[string, Resource]];
    const [topic] = core.of('AWS::SNS::Topic').map(([id]) => id);
    const [allow, ...others] = Properties.PolicyDocument.Statement.filter((one: any) => one.Effect === 'Allow');
    expect(others).toEqual([]);
    expect(allow).toMatchObject({
      Action: 'sns:Publish',
      Principal: { Service: ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'] },
      Resource: { Ref: topic },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    for (const found of [core, gpu])
      for (const [, alarm] of found.of('AWS::CloudWatch::Alarm'))
        expect(String(evaluate(alarm.Properties.AlarmActions))).toContain(topic);
    const [[, budget]] = gpu.of('AWS::Budgets::Budget') as [[string, Resource]];
    const [{ Subscribers }] = budget.Properties.NotificationsWithSubscribers;
    expect(Subscribers[0].SubscriptionType).toBe('SNS');
    expect(String(evaluate(Subscribers[0].Address))).toContain(topic);
  });

  test.each(
    Object.entries<FunctionSpec>(functions).filter(([, { triggers }]) =>
      triggers.some(({ kind }) => kind === 'schedule'),
    ),
  )(
    'a minute of %s that fails is one failure, not three: the next minute makes up for it',
    (_, { stack, export: name, file }) => {
      const found = stack === 'core' ? core : gpu;
      const [[id]] = found
        .of('AWS::Lambda::Function')
        .filter(([, { Properties }]) => Properties.Handler === `index.${name}`) as [[string, unknown]];
      const [config] = found
        .of('AWS::Lambda::EventInvokeConfig')
        .filter(([, one]) => one.Properties.FunctionName.Ref === id);
      expect(config?.[1].Properties, file).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
    },
  );

  test('a wake-up that finds all reserved runs taken is no letter yet', () => {
    const [queue] = gpu.named('AWS::SQS::Queue', 'AutoscalerWake');
    expect(queue?.Properties.RedrivePolicy.maxReceiveCount).toBe(cloudLimits.wakeReceives);
    expect(cloudLimits.wakeReceives).toBeGreaterThanOrEqual(5);
    const [source] = gpu
      .of('AWS::Lambda::EventSourceMapping')
      .filter(([, { Properties }]) => Properties.StartingPosition === undefined);
    expect(source?.[1].Properties.ScalingConfig).toEqual({ MaximumConcurrency: cloudLimits.wakeConcurrency });
  });
});

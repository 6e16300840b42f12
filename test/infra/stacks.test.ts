// Longer than others, because one synthesis with all checks serves every promise in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tableDefinition, ttlAttribute } from '#adapters/aws/dynamo-table.ts';
import { parseJoinFile } from '#cli/join-file.ts';
import { dropLimits } from '#core/drop/drop-limits.ts';
import { limits } from '#core/limits.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { parseFleetSettings, parseWaitTargets } from '#core/placement/fleet-settings.ts';
import { metricDimension } from '#core/placement/fleet-watch.ts';
import { parsePools, parseResidency } from '#core/policy/residency.ts';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { apiRoutes, fleetNews, functions } from '#infra/functions.ts';
import { CERTIFICATE } from './certificate.ts';
import { actionsOf, type Found, type Resource, resourcesOf, SYNTH_MS, statementsOf, synthesize } from './templates.ts';
import { evaluate } from './values.ts';

const DAY = 86_400;
let built: ReturnType<typeof synthesize>;
let core: Found;
let gpu: Found;
let edge: Found;

beforeAll(() => {
  built = synthesize({
    stage: 'test',
    settings: {
      test: {
        region: 'eu-central-1',
        residency: {
          sovereign: { sites: ['onprem'] },
          eu: { sites: ['cloud', 'onprem'], regions: ['eu-central-1', 'berlin'] },
        },
        fleet: {
          workerImage: `image@sha256:${'0'.repeat(64)}`,
          minTasks: 1,
          zones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'],
        },
        onPrem: [
          { pool: 'onprem-a', region: 'berlin', servers: 2, access: 'roles-anywhere' },
          { pool: 'onprem-b', region: 'paris', access: 'ecs-anywhere' },
          { pool: 'onprem-c', region: 'paris', access: 'keys' },
        ],
        certificateAuthorityPem: CERTIFICATE,
        monthlyBudgetUsd: 400,
        alarmEmail: 'ops@example.com',
      },
    },
  });
  core = built.read('ReelayCore');
  gpu = built.read('ReelayGpu');
  edge = built.read('ReelayEdge');
}, SYNTH_MS);
afterAll(() => built.clean());

const CLASSES = ['Standard', 'Sovereign', 'Eu'];
const only = (found: Found, type: string, prefix: string): any => {
  const named = found.named(type, prefix);
  expect(named).toHaveLength(1);
  return named[0]!.Properties;
};
const policyOf = (found: Found, type: string, about: string) =>
  JSON.stringify(found.of(type).filter(([, { Properties }]) => JSON.stringify(Properties).includes(about)));

test('machines are asked for in each zone that the settings name', () => {
  const zones = gpu.of('AWS::EC2::Subnet').map(([, { Properties }]) => Properties.AvailabilityZone);
  expect([...new Set(zones)]).toEqual(['eu-central-1a', 'eu-central-1b', 'eu-central-1c']);
  for (const [, { Properties }] of gpu.of('AWS::AutoScaling::AutoScalingGroup'))
    expect(Properties.VPCZoneIdentifier).toHaveLength(3);
});

test('closed segments of the audit ledger are locked for a year, and nobody is given the right to delete or unlock one', () => {
  const [bucket] = core.named('AWS::S3::Bucket', 'Audit');
  expect(bucket?.DeletionPolicy).toBe('Retain');
  expect(bucket?.Properties).toMatchObject({
    ObjectLockEnabled: true,
    ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 365 } } },
    VersioningConfiguration: { Status: 'Enabled' },
    PublicAccessBlockConfiguration: { BlockPublicPolicy: true, RestrictPublicBuckets: true },
  });
  expect(bucket?.Properties.LifecycleConfiguration).toBeUndefined();
  expect(policyOf(core, 'AWS::S3::BucketPolicy', 'Audit')).toContain('"aws:SecureTransport":"false"');
  const about = [core, gpu, edge].flatMap(stack =>
    ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap(type =>
      stack.of(type).flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as any[]),
    ),
  );
  const onAudit = about.filter(({ Resource }) => JSON.stringify(Resource).includes('Audit'));
  expect(onAudit.length).toBeGreaterThan(1);
  for (const { Action, Resource } of onAudit) {
    expect(Action).toBe('s3:PutObject');
    expect(JSON.stringify(Resource)).toContain('/audit/*');
  }
});

describe('an enclave', () => {
  test.each(CLASSES)('%s: its bucket is shut, encrypted, retained, and speaks TLS 1.2 only', name => {
    const id = `Enclave${name}Bucket`;
    const [bucket] = core.named('AWS::S3::Bucket', id);
    expect(bucket?.DeletionPolicy).toBe('Retain');
    expect(bucket?.Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const [rule] = bucket!.Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe(name === 'Standard' ? 'AES256' : 'aws:kms');
    expect(bucket?.Properties.NotificationConfiguration).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    expect(bucket?.Properties.VersioningConfiguration).toBeUndefined();
    const policy = policyOf(core, 'AWS::S3::BucketPolicy', id);
    expect(policy).toContain('"aws:SecureTransport":"false"');
    expect(policy).toContain('"s3:TlsVersion":1.2');
  });

  test.each(CLASSES)('%s: bytes go when nobody can ask for them any more, and no earlier', name => {
    const { LifecycleConfiguration } = only(core, 'AWS::S3::Bucket', `Enclave${name}Bucket`);
    const days = Object.fromEntries(LifecycleConfiguration.Rules.map((one: any) => [one.Id, one.ExpirationInDays]));
    expect(days).toEqual({
      drops: cloudLimits.dropDays,
      rejects: dropLimits.registryDays,
      'orphaned-artifacts': limits.artifactDays + cloudLimits.orphanedArtifactDays,
      outputs: undefined,
      uploads: undefined,
    });
    const prefixes = LifecycleConfiguration.Rules.map((one: any) => one.Prefix);
    expect(prefixes).toEqual(['drop/', 'rejected/', 'videos/', 'out/', undefined]);
  });

  test.each(CLASSES)('%s: its table is what the adapter queries, restorable, and tells its changes', name => {
    const [table] = core.named('AWS::DynamoDB::Table', `Enclave${name}Table`);
    const { Properties } = table as Resource;
    expect(table?.DeletionPolicy).toBe('Retain');
    const byName = (list: readonly any[]) => [...list].sort((a, b) => (a.IndexName < b.IndexName ? -1 : 1));
    expect(byName(Properties.GlobalSecondaryIndexes)).toEqual(byName(tableDefinition.GlobalSecondaryIndexes ?? []));
    expect(Properties.KeySchema).toEqual(tableDefinition.KeySchema);
    expect(new Set(Properties.AttributeDefinitions.map((one: object) => JSON.stringify(one)))).toEqual(
      new Set(tableDefinition.AttributeDefinitions?.map(one => JSON.stringify(one))),
    );
    expect(Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true },
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
    });
  });

  test.each(CLASSES)('%s: its queues have the numbers of core/limits.ts, are encrypted and speak TLS only', name => {
    const queue = only(core, 'AWS::SQS::Queue', `Enclave${name}Queue`);
    const letters = only(core, 'AWS::SQS::Queue', `Enclave${name}DeadLetters`);
    expect(queue).toMatchObject({
      VisibilityTimeout: limits.leaseSeconds,
      MessageRetentionPeriod: limits.messageDays * DAY,
      ReceiveMessageWaitTimeSeconds: 20,
      RedrivePolicy: { maxReceiveCount: limits.maxReceives + 1 },
    });
    expect(letters.MessageRetentionPeriod).toBe(limits.deadLetterDays * DAY);
    for (const one of [queue, letters]) expect(one.SqsManagedSseEnabled ?? one.KmsMasterKeyId).toBeTruthy();
    for (const kind of ['Queue', 'DeadLetters'])
      expect(policyOf(core, 'AWS::SQS::QueuePolicy', `Enclave${name}${kind}`)).toContain('aws:SecureTransport');
  });

  test('every class but the standard one has a key of its own, which turns', () => {
    const keys = core.of('AWS::KMS::Key');
    expect(keys.map(([id]) => id.replace(/Key[0-9A-F]+$/, '')).sort()).toEqual(['EnclaveEu', 'EnclaveSovereign']);
    for (const [, key] of keys) {
      expect(key.Properties.EnableKeyRotation).toBe(true);
      expect(key.DeletionPolicy).toBe('Retain');
    }
  });
});

describe('the API', () => {
  test('has every route, one integration, and a stage that is throttled and logs no address, path or query', () => {
    const keys = core.of('AWS::ApiGatewayV2::Route').map(([, { Properties }]) => Properties.RouteKey);
    expect(keys.sort()).toEqual([...apiRoutes].sort());
    expect(core.of('AWS::ApiGatewayV2::Integration')).toHaveLength(1);
    const [[, { Properties: stage }]] = core.of('AWS::ApiGatewayV2::Stage') as [[string, Resource]];
    expect(stage.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 200 });
    expect(stage.StageName).toBe('$default');
    expect(stage.AccessLogSettings.Format).toContain('$context.routeKey');
    expect(stage.AccessLogSettings.Format).not.toMatch(/path|query|sourceIp|authorizer|requestBody/i);
  });

  test('the hash of the key comes by a hidden parameter and is in no output', () => {
    const { ApiKeySha256 } = core.template.Parameters;
    expect(ApiKeySha256).toMatchObject({ NoEcho: true, Default: '' });
    expect(new RegExp(ApiKeySha256.AllowedPattern).test(`${'a'.repeat(64)},${'b'.repeat(64)}`)).toBe(true);
    expect(new RegExp(ApiKeySha256.AllowedPattern).test('secret')).toBe(false);
    expect(JSON.stringify(core.template.Outputs)).not.toContain('ApiKeySha256');
  });

  test('functions are bundled, their cards lie beside them, and each environment fits', () => {
    for (const found of [core, gpu])
      for (const [, { Properties }] of found.named('AWS::Lambda::Function', '').map((one, at) => [at, one] as const)) {
        expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
        const { Variables } = Properties.Environment;
        expect(Buffer.byteLength(JSON.stringify(evaluate(Variables)))).toBeLessThan(cloudLimits.maxEnvironmentBytes);
      }
    const folder = join(built.outdir, 'bundles', 'functions-lambda-ts');
    const [card] = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8'));
    expect(card).toMatchObject({ id: 'reelay-mini', digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(readFileSync(join(folder, 'index.mjs'), 'utf8')).toContain('dropHandler');
  });

  test('what the functions are told can be read by what reads it', () => {
    const { Variables } = only(core, 'AWS::Lambda::Function', 'Api').Environment;
    const told = evaluate(Variables) as Record<string, string>;
    expect(parsePools(told.REELAY_POOLS!)).toContainEqual({ pool: 'onprem-a', site: 'onprem', region: 'berlin' });
    expect(parsePools(told.REELAY_POOLS!)).toContainEqual({ pool: 'cloud-spot', site: 'cloud', region: 'here' });
    expect(Object.keys(parseResidency(told.REELAY_RESIDENCY!))).toEqual(['standard', 'sovereign', 'eu']);
    expect(Object.keys(JSON.parse(told.REELAY_ENCLAVES!))).toEqual(['sovereign', 'eu']);
    expect(JSON.parse(told.REELAY_ENCLAVES!).eu.table).toContain('EnclaveEuTable');
  });
});

describe('drops', () => {
  test('objects below drop/ of the standard bucket, and nothing else, go to the queue, eight times', () => {
    const [[, { Properties: rule }]] = core
      .of('AWS::Events::Rule')
      .filter(([, { Properties }]) => Properties.EventPattern) as [[string, Resource]];
    expect(rule.EventPattern).toMatchObject({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { object: { key: [{ prefix: 'drop/' }] } },
    });
    expect(JSON.stringify(rule.EventPattern.detail.bucket)).toContain('EnclaveStandardBucket');
    const [target] = rule.Targets;
    expect(target.RetryPolicy.MaximumRetryAttempts).toBe(cloudLimits.dropEventRetries);
    expect(JSON.stringify(target.DeadLetterConfig)).toContain('DropsDeadLetters');
  });

  test('the function takes back only what failed, and has time before a message is shown again', () => {
    const [[, { Properties: source }]] = core.of('AWS::Lambda::EventSourceMapping') as [[string, Resource]];
    expect(source.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
    const queue = only(core, 'AWS::SQS::Queue', 'DropsQueue');
    expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * functions.drop.timeoutSeconds);
    expect(queue.RedrivePolicy.maxReceiveCount).toBe(cloudLimits.dropReceives);
  });
});

describe('alarms', () => {
  const alarm = (found: Found, prefix: string) => only(found, 'AWS::CloudWatch::Alarm', prefix);
  test('tell of letters, of old jobs and of failing functions', () => {
    for (const name of CLASSES.map(one => one.toLowerCase())) {
      expect(alarm(core, `DeadLetters${name}`)).toMatchObject({ Threshold: 1 });
      expect(alarm(core, `OldestJob${name}`)).toMatchObject({ Threshold: 1_800 });
    }
    for (const name of ['DropLetters', 'ApiErrors', 'TickErrors', 'DropErrors']) alarm(core, name);
    for (const found of [core, gpu])
      for (const [, { Properties }] of found.of('AWS::CloudWatch::Alarm')) {
        expect(Properties.AlarmActions).toHaveLength(1);
        expect(Properties.Metrics, 'no metric math, which emulators do not have').toBeUndefined();
      }
  });

  test('a dead man: work waits and nothing runs, or nobody says anything any more', () => {
    expect(alarm(gpu, 'Stuck')).toMatchObject({
      Namespace: 'Reelay',
      MetricName: 'StuckSeconds',
      Threshold: fleetLimits.stuckSeconds,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'breaching',
    });
    // Of this installation: another one in the account must not answer for it.
    const [dimension] = alarm(gpu, 'Stuck').Dimensions;
    const { Variables } = only(gpu, 'AWS::Lambda::Function', 'Autoscaler').Environment;
    expect(dimension).toEqual({ Name: metricDimension, Value: Variables.REELAY_TABLE });
  });

  test('a budget is told of before it is spent', () => {
    const [[, { Properties }]] = gpu.of('AWS::Budgets::Budget') as [[string, Resource]];
    expect(Properties.Budget.BudgetLimit).toEqual({ Amount: 400, Unit: 'USD' });
    expect(Properties.NotificationsWithSubscribers.map((one: any) => one.Notification.NotificationType)).toEqual([
      'ACTUAL',
      'FORECASTED',
    ]);
  });

  test('every log ends', () => {
    for (const found of [core, gpu, edge])
      for (const [, { Properties }] of found.of('AWS::Logs::LogGroup')) expect(Properties.RetentionInDays).toBe(30);
  });
});

describe('rights', () => {
  const roles = () =>
    [core, gpu, edge].flatMap(found =>
      found.of('AWS::IAM::Role').map(([id]) => [id, statementsOf(found, id)] as const),
    );

  test('the cloud worker has none on an enclave whose class does not allow the cloud, nor on its key', () => {
    const text = JSON.stringify(statementsOf(gpu, 'WorkerRole'));
    expect(text).not.toContain('EnclaveSovereign');
    expect(text).toContain('EnclaveStandard');
    expect(text).toContain('EnclaveEu');
    for (const [, { Properties }] of gpu.of('AWS::ECS::TaskDefinition'))
      expect(JSON.stringify(Properties)).not.toContain('EnclaveSovereign');
  });

  test('a pool on the premises has them on exactly what its place may serve', () => {
    const rights = (pool: string) => JSON.stringify(only(edge, 'AWS::IAM::ManagedPolicy', `Rights${pool}`));
    for (const name of CLASSES) expect(rights('onprema')).toContain(`Enclave${name}`);
    expect(rights('onpremb')).toContain('EnclaveSovereign');
    expect(rights('onpremb')).not.toContain('EnclaveEu');
  });

  test('the autoscaler moves two services, reads records of the standard table only, and news of no other class than those it moves', () => {
    const statements = statementsOf(gpu, 'AutoscalerHandlerRole');
    const find = (action: string) => statements.filter(one => actionsOf(one).includes(action));
    const moved = find('ecs:UpdateService').flatMap(resourcesOf);
    expect(moved).toHaveLength(2);
    expect(moved.join()).toMatch(/OnDemandService.*SpotService|SpotService.*OnDemandService/);
    expect(find('dynamodb:GetItem').flatMap(resourcesOf).join()).not.toMatch(/EnclaveSovereign|EnclaveEu/);
    expect(find('dynamodb:PutItem').flatMap(resourcesOf).join()).not.toMatch(/EnclaveSovereign|EnclaveEu/);
    const sovereign = statements.filter(one => /EnclaveSovereignTable/.test(resourcesOf(one).join()));
    expect(sovereign.flatMap(actionsOf)).toEqual(['dynamodb:Query']);
    expect(sovereign.flatMap(resourcesOf).join()).toContain('/index/*');
    const streams = gpu.of('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => JSON.stringify(Properties));
    expect(streams.filter(one => one.includes('StartingPosition'))).toHaveLength(2);
    expect(streams.join()).not.toContain('EnclaveSovereign');
  });

  test('a worker protects tasks of its own cluster only', () => {
    const protect = statementsOf(gpu, 'WorkerRole').filter(one => actionsOf(one).includes('ecs:UpdateTaskProtection'));
    expect(protect).toHaveLength(1);
    expect(protect.flatMap(resourcesOf).join()).toMatch(/:task\/.*Cluster/);
  });

  test('no action is a pattern, and the whole world is named only where a call knows no resource', () => {
    const wide = roles().flatMap(([id, statements]) =>
      statements.flatMap(one => {
        const patterns = actionsOf(one).filter(action => action.includes('*'));
        const whole = resourcesOf(one).includes('"*"') ? actionsOf(one) : [];
        return [...patterns, ...whole].map(action => `${id.replace(/[0-9A-F]{8}$/, '')} ${action}`);
      }),
    );
    const named = ['ecr:GetAuthorizationToken', 'ecs:DiscoverPollEndpoint', 'ecs:ListTasks', 'dynamodb:ListStreams'];
    expect(wide.filter(one => !named.some(action => one.endsWith(action)))).toEqual([]);
    expect(wide.length).toBeGreaterThan(0);
  });

  test('listing tasks is held to one cluster', () => {
    const [list] = statementsOf(gpu, 'AutoscalerHandlerRole').filter(one => actionsOf(one).includes('ecs:ListTasks'));
    expect(JSON.stringify(list?.Condition)).toMatch(/ecs:cluster.*:cluster\//);
  });

  test('a certificate takes the role of the pool that it names, and no other', () => {
    const role = edge.named('AWS::IAM::Role', 'Roleonprema')[0]!;
    const statements = role.Properties.AssumeRolePolicyDocument.Statement;
    expect(statements).toHaveLength(2);
    for (const one of statements) {
      expect(one.Principal).toEqual({ Service: 'rolesanywhere.amazonaws.com' });
      expect(one.Condition.StringEquals).toEqual({ 'aws:PrincipalTag/x509Subject/CN': 'onprem-a' });
      expect(JSON.stringify(one.Condition.ArnEquals)).toContain('TrustAnchor');
    }
    expect(edge.of('AWS::RolesAnywhere::Profile')).toHaveLength(1);
  });
});

describe('the fleet', () => {
  test('the autoscaler is told of enqueues, starts and ends, of workers that come and go, and of nothing else', () => {
    const [stream] = gpu.of('AWS::Lambda::EventSourceMapping').filter(([, one]) => one.Properties.StartingPosition);
    const { FilterCriteria, MaximumRetryAttempts, DestinationConfig } = stream![1].Properties;
    const patterns = FilterCriteria.Filters.map((one: any) => JSON.parse(one.Pattern));
    expect(patterns).toHaveLength(fleetNews.length);
    expect(JSON.stringify(patterns)).not.toContain('record');
    expect(MaximumRetryAttempts).toBe(cloudLimits.streamRetries);
    expect(DestinationConfig.OnFailure.Destination).toBeDefined();
    const wake = only(gpu, 'AWS::SQS::Queue', 'AutoscalerWake');
    expect(wake.VisibilityTimeout).toBeGreaterThanOrEqual(6 * functions.autoscale.timeoutSeconds);
  });

  test('REELAY_FLEET and REELAY_WAIT_TARGETS are read by what reads them', () => {
    const told = evaluate(only(gpu, 'AWS::Lambda::Function', 'Autoscaler').Environment.Variables) as Record<
      string,
      string
    >;
    const { services, pools } = parseFleetSettings(told.REELAY_FLEET!);
    expect([...services.keys()]).toEqual(['cloud-spot', 'cloud-ondemand']);
    const find = (id: string) => pools.find(pool => pool.id === id);
    expect(find('cloud-spot')).toMatchObject({ kind: 'spot', minServers: 0, maxServers: 8, region: 'here' });
    expect(find('cloud-ondemand')).toMatchObject({
      kind: 'ondemand',
      minServers: 1,
      maxServers: 4,
      pricePerHourUsd: 2.24208,
    });
    expect(find('onprem-a')).toMatchObject({
      site: 'onprem',
      kind: 'fixed',
      maxServers: 2,
      speed: { 'reelay-mini': 1 },
    });
    expect(find('cloud-spot')!.pricePerHourUsd).toBeLessThan(find('cloud-ondemand')!.pricePerHourUsd);
    expect(parseWaitTargets(told.REELAY_WAIT_TARGETS!)).toMatchObject({ interactive: 180 });
  });

  test('nothing scales beside the autoscaler', () => {
    const types = new Set(Object.values(gpu.all).map(({ Type }) => Type));
    for (const type of types) expect(type).not.toMatch(/ScalingPolicy|ScalableTarget/);
  });

  test('the join file is one that a worker reads', () => {
    const { JoinFile } = edge.template.Outputs;
    const file = parseJoinFile(
      String(evaluate(JoinFile.Value))
        .replaceAll(/"(<[^"]*Queue[^"]*>)"/g, '"https://sqs.test/1/q"')
        .replaceAll(/"(<[^"]*DeadLetters[^"]*>)"/g, '"https://sqs.test/1/d"'),
      'JoinFile',
    );
    expect(file.pools.map(({ pool }) => pool)).toEqual(['onprem-a', 'onprem-b', 'onprem-c']);
    expect(Object.keys(file.enclaves)).toEqual(['standard', 'sovereign', 'eu']);
    expect(file.bundles).toHaveProperty('reelay-mini');
  });

  test('a node of ECS Anywhere runs one worker that stands where its pool stands, with a key of its own', () => {
    const task = only(edge, 'AWS::ECS::TaskDefinition', 'Nodesonpremb');
    const [container] = task.ContainerDefinitions;
    const told = Object.fromEntries(container.Environment.map((one: any) => [one.Name, evaluate(one.Value)]));
    expect(task.RequiresCompatibilities).toEqual(['EXTERNAL']);
    expect(told).toMatchObject({ REELAY_POOL: 'onprem-b', REELAY_SITE: 'onprem', REELAY_REGION: 'paris' });
    expect(Object.keys(JSON.parse(told.REELAY_ENCLAVES))).toEqual(['sovereign']);
    expect(
      container.MountPoints.find((one: any) => told.REELAY_RECEIPT_KEY.startsWith(one.ContainerPath)),
    ).toMatchObject({
      SourceVolume: 'keys',
      ReadOnly: true,
    });
    expect(only(edge, 'AWS::ECS::Service', 'Nodes')).toMatchObject({
      LaunchType: 'EXTERNAL',
      SchedulingStrategy: 'DAEMON',
    });
    expect(edge.template.Parameters.WorkerImage.Default).toMatch(/^image@sha256:/);
  });

  test('templates stay within what CloudFormation takes', () => {
    for (const { text, all } of [core, gpu, edge]) {
      expect(text.length).toBeLessThan(cloudLimits.maxTemplateBytes);
      expect(Object.keys(all).length).toBeLessThan(cloudLimits.maxTemplateResources);
    }
  });
});

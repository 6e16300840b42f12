import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsEnclavesFrom } from '#adapters/aws/connect-enclaves.ts';
import { mayServe, parseResidency } from '#core/policy/residency.ts';
import { awsWorkerSettingsFrom } from '#gpu-container/aws-settings.ts';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { type FunctionSpec, functions } from '#infra/functions.ts';
import { markingSettings } from '#test/worker/marks-for.ts';
import { type Found, type Resource, SYNTH_MS, synthesize } from './templates.ts';
import { evaluate } from './values.ts';

const KEY = 'a-key-of-this-test';
let built: ReturnType<typeof synthesize>;
let core: Found;
let gpu: Found;
beforeAll(() => {
  built = synthesize({
    checks: false,
    settings: {
      '*': {
        residency: { sovereign: { sites: ['onprem'] } },
        onPrem: [{ pool: 'onprem-b', region: 'paris', access: 'ecs-anywhere' }],
        // Without an address, so that the budget tells the topic.
        monthlyBudgetUsd: 100,
      },
    },
  });
  core = built.read('ReelayCore');
  gpu = built.read('ReelayGpu');
}, SYNTH_MS);
afterAll(() => built.clean());

/** Runs a deployed bundle as Lambda does: a module of its own, with the environment of its template and nothing of ours. */
function runBundle(stack: 'ReelayCore' | 'ReelayGpu', prefix: string, folder: string, script: string) {
  const { Variables } = built.read(stack).named('AWS::Lambda::Function', prefix)[0]!.Properties.Environment;
  const told = evaluate(Variables) as Record<string, string>;
  const env = {
    ...told,
    // CloudFormation puts the secret itself in.
    ...('REELAY_MASTER_KEY' in told && { REELAY_MASTER_KEY: 'ab'.repeat(32) }),
    ...('REELAY_API_KEY_SHA256' in told && { REELAY_API_KEY_SHA256: createHash('sha256').update(KEY).digest('hex') }),
    AWS_REGION: 'eu-central-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const url = JSON.stringify(`file://${join(built.outdir, 'bundles', folder, 'index.mjs')}`);
  const args = ['--input-type=module', '-e', `const bundle = await import(${url});\n${script}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', cwd: '/' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** An AWS of one object below drop/, empty tables and queues that take everything; tells which tables were asked. */
const AWS_ON_A_LOOPBACK = `
  const { createServer } = await import('node:http');
  const { createHash } = await import('node:crypto');
  const object = JSON.stringify({ prompt: 'a fox in the snow' });
  const tables = new Set();
  const answer = (target, sent) => {
    if (target.startsWith('DynamoDB')) {
      tables.add(sent.TableName ?? Object.keys(sent.RequestItems)[0]);
      return target.endsWith('.Query') ? { Items: [], Count: 0, ScannedCount: 0 } : {};
    }
    if (target.startsWith('AmazonSQS')) return { MessageId: 'm', MD5OfMessageBody: createHash('md5').update(sent.MessageBody).digest('hex') };
    return { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] };
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const target = request.headers['x-amz-target'];
    if (target !== undefined) return response.end(JSON.stringify(answer(target, JSON.parse(body))));
    if (request.url.includes('list-type=2')) return response.end('<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>');
    const isThere = request.url.includes('/drop/a.json');
    response.writeHead(isThere || request.method === 'PUT' ? 200 : 404, {
      etag: '"1"', 'last-modified': 'Sat, 21 Nov 2026 20:00:00 GMT', 'content-length': isThere ? object.length : 0 });
    response.end(isThere && request.method === 'GET' ? object : '');
  }).listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  const here = 'http://127.0.0.1:' + server.address().port;
  Object.assign(process.env, { AWS_ENDPOINT_URL: here, REELAY_QUEUE_URL: here + '/1/queue', REELAY_BUCKET: 'drops',
    AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' });
  const close = () => { server.close(); server.closeAllConnections(); };
`;

const DROP_ON_A_LOOPBACK = `${AWS_ON_A_LOOPBACK}
  const detail = { bucket: { name: 'drops' }, object: { key: 'drop/a.json', etag: '1', size: object.length, sequencer: '0A' } };
  const body = JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Created', detail });
  const outcome = await bundle.dropHandler({ Records: [{ messageId: 'm', receiptHandle: 'r', body }] });
  console.log(JSON.stringify({ tables: [...tables], outcome }));
  close();
`;

describe('what is deployed starts with what it is told', () => {
  test('the API answers with the models of the deployment, to who has the key', () => {
    const call = (headers: object) => `await bundle.handler({ routeKey: 'GET /v1/models', rawPath: '/v1/models',
      headers: ${JSON.stringify(headers)}, requestContext: { http: { method: 'GET' } } }, { awsRequestId: 'r' })`;
    const answers = `[${call({ authorization: `Bearer ${KEY}` })}, ${call({})}]`;
    const script = `${AWS_ON_A_LOOPBACK}console.log(JSON.stringify(${answers})); close();`;
    const [known, unknown] = runBundle('ReelayCore', 'Api', 'functions-lambda-ts', script);
    expect(known.statusCode).toBe(200);
    expect(JSON.parse(known.body).data.map(({ id }: { id: string }) => id)).toEqual(['reelay-mini']);
    expect(unknown.statusCode).toBe(401);
  });

  test('a drop asks the enclave of its class and no other, for on no other has its function a right', () => {
    const { tables, outcome } = runBundle('ReelayCore', 'Drop', 'functions-lambda-ts', DROP_ON_A_LOOPBACK);
    expect(outcome).toEqual({ batchItemFailures: [] });
    expect(tables.filter((name: string) => !name.startsWith('<EnclaveStandard'))).toEqual([]);
    expect(tables.length).toBeGreaterThan(0);
  });

  test('the autoscaler composes itself', () => {
    const script =
      'const { pools } = bundle.composeAutoscale(process.env); console.log(JSON.stringify(pools.map(({ id }) => id)));';
    const ids = runBundle('ReelayGpu', 'Autoscaler', 'functions-autoscale-lambda-ts', script);
    expect(ids).toEqual(['cloud-spot', 'cloud-ondemand', 'onprem-b']);
  });

  test.each([
    ['ReelayGpu', 'SpotTask', 'cloud', []],
    ['ReelayGpu', 'OnDemandTask', 'cloud', []],
    ['ReelayEdge', 'Nodes', 'onprem', ['sovereign']],
  ] as const)(
    'a worker of %s, %s, reads its settings and has the enclaves that it may serve',
    (stack, prefix, site, others) => {
      const [container] = built.read(stack).named('AWS::ECS::TaskDefinition', prefix)[0]!
        .Properties.ContainerDefinitions;
      const told = Object.fromEntries(container.Environment.map((one: any) => [one.Name, evaluate(one.Value)]));
      const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
      expect(told.AWS_REGION, 'the region of the resources, which no SDK guesses').toBe('here');
      const settings = awsWorkerSettingsFrom({
        ...told,
        ...markingSettings,
        REELAY_MASTER_KEY: 'ab'.repeat(32),
        REELAY_RECEIPT_KEY: pem.toString(),
      });
      expect(settings.provider).toBe('cuda');
      expect(settings.place.site).toBe(site);
      const classes = parseResidency(told.REELAY_RESIDENCY);
      const enclaves = [...awsEnclavesFrom(told, classes).keys()];
      expect(enclaves).toEqual(['standard', ...others]);
      expect(enclaves.every(name => mayServe(classes, name, settings.place))).toBe(true);
    },
  );
});

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

  test('an account with ten Lambda runs in all can deploy: nothing is reserved, and the sources hold themselves', () => {
    for (const found of [core, gpu])
      for (const [id, { Properties }] of found.of('AWS::Lambda::Function'))
        expect(Properties.ReservedConcurrentExecutions, id).toBeUndefined();
    const streams = gpu
      .of('AWS::Lambda::EventSourceMapping')
      .filter(([, { Properties }]) => Properties.StartingPosition !== undefined);
    expect(streams.length).toBeGreaterThan(0);
    for (const [, { Properties }] of streams) expect(Properties.ParallelizationFactor).toBe(1);
  });

  test('a wake-up that finds all runs taken is no letter yet', () => {
    const [queue] = gpu.named('AWS::SQS::Queue', 'AutoscalerWake');
    expect(queue?.Properties.RedrivePolicy.maxReceiveCount).toBe(cloudLimits.wakeReceives);
    expect(cloudLimits.wakeReceives).toBeGreaterThanOrEqual(5);
    const [source] = gpu
      .of('AWS::Lambda::EventSourceMapping')
      .filter(([, { Properties }]) => Properties.StartingPosition === undefined);
    expect(source?.[1].Properties.ScalingConfig).toEqual({ MaximumConcurrency: cloudLimits.wakeConcurrency });
  });
});

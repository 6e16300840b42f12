import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCloudAssembly } from '#infra/front/cloud-assembly.ts';
import { liveFunction } from '#infra/front/live-plan.ts';
import { apiRoutes, type FunctionSpec, functions } from '#infra/functions.ts';
import { evaluateApp, type ProgramRun, runProgram } from './sst-program.ts';

/** How one check ended. */
export interface Checked {
  readonly name: string;
  readonly error?: string;
}

/** What stacks that need an image are given. */
const IMAGE = `000000000000.dkr.ecr.us-east-1.amazonaws.com/reelay@sha256:${'a'.repeat(64)}`;
const ENV = { REELAY_WORKER_IMAGE: IMAGE, SST_AWS_REGION: 'us-east-1' };

/** What app() says, before anything is installed. */
export async function* says(installed: string): AsyncGenerator<Checked> {
  const [production, other] = [await evaluateApp(installed, 'production'), await evaluateApp(installed, 'anna')];
  yield check('the app is reelay, on AWS, for this version of SST and no other', () => {
    const { version } = JSON.parse(readFileSync(join(installed, 'node_modules', 'sst', 'package.json'), 'utf8'));
    assert.deepEqual([production.name, production.home, production.version], ['reelay', 'aws', version]);
  });
  yield check('production is protected and keeps its data, other stages leave nothing', () => {
    assert.deepEqual([production.removal, production.protect], ['retain', true]);
    assert.deepEqual([other.removal, other.protect], ['remove', false]);
  });
  yield check('the AWS provider is the one that SST installed', () => {
    const lock = JSON.parse(readFileSync(join(installed, '.sst', 'provider-lock.json'), 'utf8'));
    assert.equal(production.providers.aws, '7.20.0');
    assert.deepEqual(
      lock.map((entry: any) => [entry.name, entry.version]),
      [['aws', '7.20.0']],
    );
  });
}

/** `sst deploy`. */
export async function* deploys(installed: string): AsyncGenerator<Checked> {
  const run = await runProgram({ installed, stage: 'production', env: { ...ENV, MOCK_STACK_OUTPUTS: mockOutputs } });
  yield check('a deploy registers everything and ends', () => assert.equal(run.code, 0, run.stderr));
  if (run.code !== 0) return;
  const plans = readCloudAssembly(join(installed, '.sst', 'cdk.out'));
  const stacks = of(run, 'aws:cloudformation/stack:Stack');
  const objects = of(run, 'aws:s3/bucketObjectv2:BucketObjectv2');
  yield check('every stack that the CDK made is deployed, by its name, and no other', () =>
    assert.deepEqual(
      stacks.map(({ inputs }) => inputs.name),
      plans.map(({ stackName }) => stackName),
    ),
  );
  yield check("a template's address has the hash of its bytes, over https", () => {
    for (const [at, { template }] of plans.entries()) {
      const hash = createHash('sha256').update(readFileSync(template.path)).digest('hex');
      assert.match(stacks[at]?.inputs.templateUrl, new RegExp(`^https://[^/]+/templates/[^/]+\\.${hash}\\.json$`));
    }
  });
  yield check('every file asset is uploaded under its own key, folders as archives', () => {
    const wanted = plans.flatMap(({ template, assets }) => [template, ...assets]);
    const uploads = objects.map(({ inputs }) => [inputs.key, inputs.source.path, inputs.source.kind]);
    const kind = (asset: { packaging: string }) => (asset.packaging === 'zip' ? 'archive' : 'file');
    assert.deepEqual(sorted(uploads), sorted(wanted.map(asset => [asset.key, asset.path, kind(asset)])));
    assert.ok(uploads.some(([, , is]) => is === 'archive'));
  });
  yield check('no stack comes before what it needs', () => {
    for (const [at, plan] of plans.entries()) {
      const before = stacks[at]?.dependsOn.join('\n') ?? '';
      for (const { key } of [plan.template, ...plan.assets])
        assert.ok(before.includes(key.replace(/[^A-Za-z0-9]+/g, '-')), key);
      for (const id of plan.dependsOn) assert.ok(before.includes(id), id);
    }
  });
  yield check('what was uploaded stays, for a roll-back may want it', () =>
    assert.deepEqual(
      objects.filter(object => !object.retainOnDelete),
      [],
    ),
  );
  yield check('assets lie in one private bucket that only its parameter names', () => {
    const [bucket, ...others] = of(run, 'aws:s3/bucket:Bucket');
    assert.deepEqual([others.length, bucket?.inputs.forceDestroy], [0, false]);
    assert.equal(of(run, 'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock')[0]?.inputs.blockPublicPolicy, true);
    for (const { inputs } of stacks) assert.equal(inputs.parameters.AssetsBucket, bucket?.inputs.bucket);
  });
  yield check('what a stack must be told is taken from the environment', () => {
    for (const [at, { requiredParameters }] of plans.entries())
      for (const name of requiredParameters) assert.equal(stacks[at]?.inputs.parameters[name], IMAGE);
  });
  yield check('the outputs of the stacks are passed on', () => {
    for (const name of plans.flatMap(({ outputs }) => outputs)) assert.ok(name in run.outputs, name);
    assert.equal(run.outputs.ApiUrl, 'https://api.example');
  });
  yield check('no function beside those of the stacks', () => assert.deepEqual(of(run, 'sst:aws:Function'), []));
  yield check('nothing of the CDK is in what SST bundles', () => {
    assert.ok(run.bundled.some(file => file.endsWith('infra/front/deploy-cdk.ts')));
    assert.deepEqual(
      run.bundled.filter(file => /aws-cdk-lib|\/constructs\/|infra\/(app|stacks|constructs)/.test(file)),
      [],
    );
  });
  const { REELAY_WORKER_IMAGE: _, ...bare } = ENV;
  const imageless = await runProgram({ installed, stage: 'production', env: bare });
  yield check('without the image of the worker nothing is made, and the sentence says what to set', () => {
    assert.notEqual(imageless.code, 0);
    assert.match(
      imageless.stderr,
      /ReelayGpu needs its parameter WorkerImage: set the environment variable REELAY_WORKER_IMAGE\./,
    );
    assert.deepEqual(
      imageless.resources.filter(({ type }) => type.startsWith('aws:')),
      [],
    );
  });
  yield* otherSettings(
    installed,
    stacks.map(({ inputs }) => inputs.templateUrl),
  );
}

async function* otherSettings(installed: string, before: readonly string[]): AsyncGenerator<Checked> {
  const file = join(installed, 'settings.json');
  writeFileSync(file, JSON.stringify({ '*': { logDays: 90 } }));
  const changed = await runProgram({ installed, stage: 'production', env: { ...ENV, REELAY_SETTINGS: file } });
  yield check('another template has another address, so that CloudFormation sees an update', () => {
    assert.equal(changed.code, 0, changed.stderr);
    const after = of(changed, 'aws:cloudformation/stack:Stack').map(({ inputs }) => inputs.templateUrl);
    assert.notEqual(after[0], before[0]);
  });
  writeFileSync(file, JSON.stringify({ '*': { logDays: -1 } }));
  const wrong = await runProgram({ installed, stage: 'production', env: { ...ENV, REELAY_SETTINGS: file } });
  yield check('an impossible setting stops before anything is made, by its name', () => {
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /logDays/);
    assert.deepEqual(of(wrong, 'aws:cloudformation/stack:Stack'), []);
  });
}

/** `sst dev`. */
export async function* develops(installed: string): AsyncGenerator<Checked> {
  const run = await runProgram({
    installed,
    stage: 'anna',
    dev: true,
    env: { ...ENV, MOCK_STACK_OUTPUTS: mockOutputs, REELAY_API_KEY_SHA256: 'b'.repeat(64) },
  });
  yield check('live development registers everything and ends', () => assert.equal(run.code, 0, run.stderr));
  if (run.code !== 0) return;
  const core = Object.values<FunctionSpec>(functions).filter(({ stack }) => stack === 'core');
  yield check('each function of the core stack runs live, the same handler with the same limits', () => {
    const lambdas = of(run, 'aws:lambda/function:Function').filter(({ name }) => name.startsWith('ReelayLive'));
    assert.equal(run.rpc.filter(method => method === 'Runtime.AddTarget').length, core.length);
    assert.deepEqual(
      sorted(lambdas.map(({ inputs }) => [inputs.memorySize, inputs.description])),
      sorted(core.map(spec => [spec.memoryMiB, `${spec.description} (live)`])),
    );
  });
  yield check('its environment names what the stacks made', () => {
    for (const spec of core) {
      const made = of(run, 'aws:lambda/function:Function').find(({ inputs }) =>
        inputs.description?.startsWith(spec.description),
      );
      const variables = made?.inputs.environment.variables ?? {};
      for (const name of Object.keys(liveFunction(spec).env)) assert.ok(name in variables, `${spec.export}: ${name}`);
      assert.equal(variables.REELAY_TABLE, 'mock-table');
      assert.equal(variables.REELAY_API_KEY_SHA256, 'b'.repeat(64));
    }
  });
  yield check('it may touch what the table of functions grants, and nothing of other names', () => {
    const policies = of(run, 'aws:iam/role:Role').flatMap(({ inputs }) =>
      inputs.inlinePolicies.map((item: any) => item.policy),
    );
    assert.equal(policies.length, core.length);
    for (const policy of policies)
      assert.match(policy, /arn:aws:dynamodb:us-east-1:000000000000:table\/mock-table\/index\/\*/);
    const own = policies
      .flatMap(policy => JSON.parse(policy))
      .filter(({ resources }) => /mock-/.test(resources.join()));
    assert.ok(own.length > core.length);
    assert.deepEqual(
      own.filter(({ actions }) => actions.some((action: string) => action.includes('*'))),
      [],
    );
  });
  yield check('the live API has the routes of the deployed one', () => {
    const routes = of(run, 'aws:apigatewayv2/route:Route').map(({ inputs }) => inputs.routeKey);
    assert.deepEqual(sorted(routes), sorted([...apiRoutes]));
  });
  yield check('a stage of one person leaves nothing behind', () =>
    assert.equal(of(run, 'aws:s3/bucket:Bucket')[0]?.inputs.forceDestroy, true),
  );
}

const mockOutputs = JSON.stringify({
  ReelayCore: {
    ApiUrl: 'https://api.example',
    ReelayQueueUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/mock-queue',
    ReelayDeadLetterQueueUrl: 'https://sqs.us-east-1.amazonaws.com/000000000000/mock-letters',
    ReelayTable: 'mock-table',
    ReelayBucket: 'mock-bucket',
    ReelayEventBus: 'mock-bus',
    ReelayEnclaves: '{}',
  },
});

function of(run: ProgramRun, type: string) {
  return run.resources.filter(resource => resource.type === type);
}

function sorted<T>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function check(name: string, holds: () => void): Checked {
  try {
    holds();
    return { name };
  } catch (error) {
    return { name, error: (error as Error).message };
  }
}

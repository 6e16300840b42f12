import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '#infra/app.ts';
import { type LiveFunction, liveEnvironment, liveFunction, livePermissions } from '#infra/front/live-plan.ts';
import { type FunctionSpec, functions, outputOf } from '#infra/functions.ts';

const SPECS = Object.entries<FunctionSpec>(functions);
const ACCOUNT = { partition: 'aws', region: 'eu-central-1', accountId: '000000000000' };

interface Resource {
  readonly Type: string;
  readonly Properties: any;
}

let outdir: string;
let lambdas: readonly any[];

beforeAll(async () => {
  outdir = await mkdtemp(join(tmpdir(), 'reelay-parity-'));
  const { stacks } = buildApp({ outdir, assets: 'parameter' }).app.synth();
  const resources = stacks.flatMap(({ template }) => Object.values(template.Resources as Record<string, Resource>));
  lambdas = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function').map(({ Properties }) => Properties);
});
afterAll(() => rm(outdir, { recursive: true, force: true }));

describe('functions.ts means the same to the CDK and to live development', () => {
  test.each(SPECS)('%s: handler, environment and limits', (_, spec) => {
    const deployed = lambdas.filter(({ Description }) => Description === spec.description);
    expect(deployed).toHaveLength(1);
    const { Handler, MemorySize, Timeout, Environment } = deployed[0];
    const live = liveFunction(spec);
    expect(live.handler).toBe(`${spec.file.replace(/\.ts$/, '')}.${Handler.replace('index.', '')}`);
    expect([live.memory, live.timeout] satisfies LiveFunction[keyof LiveFunction][]).toEqual([
      `${MemorySize} MB`,
      `${Timeout} seconds`,
    ]);
    expect(Object.keys(live.env).sort()).toEqual(Object.keys(Environment.Variables).sort());
  });

  test('no deployed function of ours is missing from the table', () => {
    const own = lambdas.filter(({ Handler }) => Handler.startsWith('index.'));
    expect(own.map(({ Description }) => Description).sort()).toEqual(SPECS.map(([, spec]) => spec.description).sort());
  });
});

describe('a live function', () => {
  const spec = functions.drop as FunctionSpec;
  const names = {
    ReelayQueueUrl: 'https://sqs.eu-central-1.amazonaws.com/000000000000/jobs',
    ReelayDeadLetterQueueUrl: 'https://sqs.eu-central-1.amazonaws.com/000000000000/letters',
    ReelayTable: 'records',
    ReelayBucket: 'bytes',
    ReelayEventBus: 'bus',
  };

  test('has what the stacks left empty as empty, and refuses a stack that lacks what it acts on', () => {
    expect(liveEnvironment(spec, names)).toMatchObject({ REELAY_TABLE: 'records', REELAY_SHARES: '' });
    expect(() => liveEnvironment(spec, { ...names, ReelayBucket: '' })).toThrow('have no output ReelayBucket');
  });

  test('may do what its grants say on the enclaves, and nothing elsewhere', () => {
    const sovereign = { queueUrl: 'https://x/0/q2', deadLetterQueueUrl: 'https://x/0/d2', table: 't2', bucket: 'b2' };
    const outputs = { ...names, [outputOf('REELAY_ENCLAVES')]: JSON.stringify({ sovereign }) };
    const allowed = livePermissions(spec, outputs, ACCOUNT);
    const on = (action: string) => allowed.filter(({ actions }) => actions.includes(action)).flatMap(p => p.resources);
    expect(on('s3:ListBucket')).toEqual(['arn:aws:s3:::bytes', 'arn:aws:s3:::b2']);
    expect(on('s3:DeleteObject').sort()).toEqual([
      'arn:aws:s3:::b2/references/*',
      'arn:aws:s3:::b2/videos/*',
      'arn:aws:s3:::bytes/references/*',
      'arn:aws:s3:::bytes/videos/*',
    ]);
    expect(on('dynamodb:Query')).toContain('arn:aws:dynamodb:eu-central-1:000000000000:table/t2/index/*');
    expect(on('sqs:SendMessage')).toContain('arn:aws:sqs:eu-central-1:000000000000:jobs');
    expect(
      allowed.flatMap(({ resources }) => resources).filter(arn => arn.endsWith('*') && arn.endsWith(':*')),
    ).toEqual([]);
  });
});

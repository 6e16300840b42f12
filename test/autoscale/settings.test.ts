import { describe, expect, test } from 'vitest';
import { toItem } from '#adapters/aws/dynamo-job-item.ts';
import { briefsInStream } from '#adapters/aws/dynamo-stream.ts';
import { readEcsTaskId } from '#adapters/aws/ecs-task-id.ts';
import { briefOf } from '#core/jobs/brief.ts';
import { parseFleetSettings, parseWaitTargets, usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { composeAutoscale } from '#functions/autoscale-lambda.ts';
import { makeJob, makeRunningJob } from '#test/contracts/make-job.ts';
import { cloudPool } from '#test/placement/pools.ts';

const { id: _, ...fields } = cloudPool;
const service = { ...fields, pool: 'cloud-ondemand', service: 'gpu-ondemand' };
const fixed = { ...fields, pool: 'cellar', site: 'onprem', kind: 'fixed' };
const text = (more: object = {}) => JSON.stringify({ cluster: 'gpus', services: [service], fixed: [fixed], ...more });

describe('REELAY_FLEET', () => {
  test('gives the pools, and the service of each that is scaled', () => {
    const { cluster, services, pools } = parseFleetSettings(text());
    expect([cluster, [...services]]).toEqual(['gpus', [['cloud-ondemand', 'gpu-ondemand']]]);
    expect(pools).toEqual([
      { ...cloudPool, id: 'cloud-ondemand' },
      { ...cloudPool, id: 'cellar', site: 'onprem', kind: 'fixed' },
    ]);
  });

  test.each([
    ['', 'REELAY_FLEET: it is not JSON.'],
    ['{}', /REELAY_FLEET: cluster: .*; services: /],
    [text({ services: [] }), /services: /],
    [text({ services: [{ ...service, site: 'onprem' }] }), /services.0.site: /],
    [text({ services: [{ ...service, speed: { a: 0 } }] }), /services.0.speed.a: /],
    [text({ services: [{ ...service, maxServers: 1e9 }] }), /services.0.maxServers: /],
    [text({ services: [service, { ...service, service: 'b' }] }), /the pool cloud-ondemand is named twice/],
    [text({ services: [{ ...service, minServers: 5, maxServers: 4 }] }), /more minServers than maxServers/],
    [text({ services: [{ ...service, colour: 'red' }] }), /colour/],
  ])('%s is refused in a sentence that says where', (wrong, sentence) => {
    const refusal = { code: 'invalid_request', message: expect.stringMatching(sentence) };
    expect(() => parseFleetSettings(wrong)).toThrow(expect.objectContaining(refusal));
  });
});

test('wait targets that are left out are the usual ones, and odd ones are refused', () => {
  expect(parseWaitTargets('')).toEqual(usualWaitTargets);
  expect(parseWaitTargets('{"batch":60}')).toEqual({ ...usualWaitTargets, batch: 60 });
  expect(() => parseWaitTargets('{"batch":0}')).toThrow(/REELAY_WAIT_TARGETS: batch: /);
  expect(() => parseWaitTargets('{"soon":1}')).toThrow(/REELAY_WAIT_TARGETS: .*soon/);
});

describe('the Lambda entry', () => {
  const env = {
    REELAY_FLEET: text(),
    REELAY_TABLE: 'jobs',
    REELAY_WAKE_QUEUE_URL: 'http://127.0.0.1:9/q',
    AWS_REGION: 'us-east-1',
  };

  test('composes from its settings alone, with the tables of all classes', () => {
    const deps = composeAutoscale({ ...env, REELAY_ENCLAVES: '{"sovereign":{"table":"sovereign-jobs"}}' });
    expect([deps.stores.length, deps.pools.length]).toEqual([2, 2]);
  });

  test.each(['REELAY_FLEET', 'REELAY_TABLE', 'REELAY_WAKE_QUEUE_URL'])('says that %s is missing', name => {
    expect(() => composeAutoscale({ ...env, [name]: '' })).toThrow(name);
  });

  test.each(['no json', '[1]', '{"a":null}', '{"a":{"table":""}}'])('refuses REELAY_ENCLAVES %s', wrong => {
    expect(() => composeAutoscale({ ...env, REELAY_ENCLAVES: wrong })).toThrow('REELAY_ENCLAVES');
  });
});

describe('an event', () => {
  const image = (job: ReturnType<typeof makeJob>) => {
    const attributes = Object.entries(toItem(job, 'w')).map(([name, value]) => [
      name,
      typeof value === 'string' ? { S: value } : { N: String(value) },
    ]);
    return { dynamodb: { NewImage: Object.fromEntries(attributes) } };
  };

  test('of the stream tells of the jobs that wait or run, and of nothing else in the table', () => {
    const jobs = [makeJob(), makeRunningJob({ tenant: 'other' }), makeJob({ status: 'failed' })];
    const Records = [
      ...jobs.map(image),
      { dynamodb: { Keys: { id: { S: 'x' } } } },
      { dynamodb: { NewImage: { id: { S: 'kv#a#b' } } } },
    ];
    expect(briefsInStream({ Records })).toEqual([briefOf(jobs[0]!), briefOf(jobs[1]!)]);
  });

  test.each(['{', 'null', '[1]', '{"status":"queued"}'])(
    'of the stream with the brief %s tells of the others, and which that was',
    text => {
      const damaged = { dynamodb: { NewImage: { id: { S: 'video_x' }, brief: { S: text } } } };
      const job = makeJob();
      const told: string[] = [];
      expect(briefsInStream({ Records: [damaged, image(job)] }, id => told.push(id))).toEqual([briefOf(job)]);
      expect(told).toEqual(['video_x']);
    },
  );

  test.each([
    undefined,
    null,
    {},
    { source: 'aws.events' },
    { Records: [{ body: '{"v":1}' }] },
    { Records: [null] },
    [],
  ])('of a schedule or a wake-up tells of none: %j', event => {
    expect(briefsInStream(event)).toEqual([]);
  });
});

test('a worker on ECS knows its task by the metadata, and no other worker has one', async () => {
  const answer = (body: string) => (async () => new Response(body)) as typeof fetch;
  const arn = '{"TaskARN":"arn:aws:ecs:us-east-1:123456789012:task/gpus/0123abcd"}';
  expect(await readEcsTaskId('http://127.0.0.1:9/v4/x', answer(arn))).toBe('0123abcd');
  expect(await readEcsTaskId('http://127.0.0.1:9/v4/x', answer('{}'))).toBeNull();
  expect(await readEcsTaskId('http://127.0.0.1:9/v4/x', answer('?'))).toBeNull();
  expect(await readEcsTaskId(undefined)).toBeNull();
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDynamoJobStore } from '#adapters/aws/dynamo-job-store.ts';
import { createDynamoKeyValueStore } from '#adapters/aws/dynamo-key-value-store.ts';
import { createEventBridgeEventBus } from '#adapters/aws/eventbridge-event-bus.ts';
import { createS3BlobStore } from '#adapters/aws/s3-blob-store.ts';
import { createSqsJobQueue } from '#adapters/aws/sqs-job-queue.ts';
import { type AwsServers, clientConfig, startAwsServers } from './aws-servers.ts';
import { makeEvent, makeJob } from './make-job.ts';

let aws: AwsServers;
beforeEach(async () => {
  aws = await startAwsServers();
});
afterEach(() => aws.close());

describe('the SQS queue', () => {
  const sendRaw = (body: string) =>
    aws.clients.sqs.send(new SendMessageCommand({ QueueUrl: aws.queueUrl, MessageBody: body }));

  test('deletes bodies that no Reelay could have sent, and goes on to the next message', async () => {
    const bodies = [
      'not json',
      '"text"',
      'null',
      '[]',
      '{}',
      '{"jobId":"x"}',
      '{"v":1}',
      '{"v":1,"jobId":7}',
      '{"v":"1"}',
    ];
    for (const body of bodies) await sendRaw(body);
    await aws.queue.send({ v: 1, jobId: 'video_a' });
    const delivery = await aws.queue.receive({ leaseSeconds: 30, waitMs: 1000 });
    expect(delivery?.message).toEqual({ v: 1, jobId: 'video_a' });
    expect(aws.garbage).toHaveLength(bodies.length);
    expect(await aws.queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    expect(await aws.queue.depth()).toBe(0);
  });

  test('leaves a message of a newer version in the queue, out of the way for a while', async () => {
    await sendRaw('{"v":2,"job":{"id":"video_new"}}');
    await aws.queue.send({ v: 1, jobId: 'video_a' });
    expect((await aws.queue.receive({ leaseSeconds: 30, waitMs: 1000 }))?.message.jobId).toBe('video_a');
    expect(await aws.queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    expect(aws.garbage).toEqual([]);
    const hidden = 'ApproximateNumberOfMessagesNotVisible';
    const command = new GetQueueAttributesCommand({ QueueUrl: aws.queueUrl, AttributeNames: [hidden] });
    expect((await aws.clients.sqs.send(command)).Attributes).toEqual({ [hidden]: '2' });
  });

  test('passes over fields it does not know', async () => {
    await sendRaw('{"v":1,"jobId":"video_a","hint":"x"}');
    expect((await aws.queue.receive({ leaseSeconds: 30, waitMs: 0 }))?.message).toEqual({ v: 1, jobId: 'video_a' });
  });

  test('takes delays and leases beyond what SQS allows as the most it allows', async () => {
    await aws.queue.send({ v: 1, jobId: 'video_late' }, { delaySeconds: 5000 });
    await aws.queue.send({ v: 1, jobId: 'video_a' });
    const delivery = (await aws.queue.receive({ leaseSeconds: 100_000, waitMs: 0 }))!;
    await aws.queue.extend(delivery, 100_000);
    await aws.queue.ack(delivery);
  });

  test('peeks past bodies that are not for it, and leaves them to the receiver', async () => {
    for (const body of ['not json', '{"v":2}']) await sendRaw(body);
    await aws.queue.send({ v: 1, jobId: 'video_a' });
    expect(await aws.queue.peek(10)).toEqual([{ v: 1, jobId: 'video_a' }]);
    expect(aws.garbage).toEqual([]);
  });

  test('of dead letters is another queue than that of the jobs', async () => {
    await aws.deadLetters.send({ v: 1, jobId: 'video_dead', reason: 'render_failed' });
    expect(await aws.queue.peek(10)).toEqual([]);
    expect(await aws.deadLetters.peek(10)).toEqual([{ v: 1, jobId: 'video_dead', reason: 'render_failed' }]);
  });

  test('tells a receipt that was released', async () => {
    await aws.queue.send({ v: 1, jobId: 'video_a' });
    const delivery = (await aws.queue.receive({ leaseSeconds: 30, waitMs: 0 }))!;
    await aws.queue.release(delivery, 0);
    await expect(aws.queue.extend(delivery, 30)).rejects.toMatchObject({ code: 'lease_lost', retryable: false });
  });
});

describe('the S3 store', () => {
  const key = 'videos/acme/video_01/attempt=1/video.mp4';

  test('gives a link that serves the bytes without credentials, as a download with the given name and type', async () => {
    await aws.blobs.put(key, Buffer.from('the bytes'), { contentType: 'application/octet-stream' });
    const link = await aws.blobs.presign(key, {
      expiresSeconds: 60,
      filename: 'kůň "1".mp4',
      contentType: 'video/mp4',
    });
    const query = new URL(link!).searchParams;
    expect(query.get('X-Amz-Expires')).toBe('60');
    expect(query.get('response-content-type')).toBe('video/mp4');
    const disposition = `attachment; filename="k__ _1_.mp4"; filename*=UTF-8''k%C5%AF%C5%88%20%221%22.mp4`;
    expect(query.get('response-content-disposition')).toBe(disposition);
    expect(await (await fetch(link!)).text()).toBe('the bytes');
  });

  test('removes more keys than one request takes', async () => {
    const keys = Array.from({ length: 1005 }, (_, n) => `many/${n}`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(
        keys.slice(at, at + 50).map(k => aws.blobs.put(k, Buffer.from('x'), { contentType: 'text/plain' })),
      );
    await aws.blobs.deletePrefix('many/');
    for (const k of ['many/0', 'many/999', 'many/1004']) expect(await aws.blobs.head(k)).toBeUndefined();
  });
});

describe('the EventBridge bus', () => {
  test('that refuses an entry in a 200 answer is store_unavailable, and the next try can succeed', async () => {
    aws.failNextEvents(1, 'ThrottlingException');
    const event = makeEvent();
    const refusal = {
      code: 'store_unavailable',
      retryable: true,
      message: expect.stringContaining('ThrottlingException'),
    };
    await expect(aws.events.publish(event)).rejects.toMatchObject(refusal);
    expect(aws.recordedEvents()).toEqual([]);
    await aws.events.publish(event);
    expect(aws.recordedEvents()).toEqual([event]);
  });
});

test('an AWS that cannot be reached is store_unavailable from every adapter, with the cause', async () => {
  // Port 9 of loopback: nothing listens there.
  const config = { ...clientConfig('http://127.0.0.1:9'), maxAttempts: 1 };
  const queue = createSqsJobQueue({ client: new SQSClient(config), queueUrl: 'http://127.0.0.1:9/000000000000/q' });
  const store = createDynamoJobStore({ client: new DynamoDBClient(config), table: 'jobs' });
  const kv = createDynamoKeyValueStore({ client: new DynamoDBClient(config), table: 'jobs' });
  const entry = { space: 'a/b', name: 'c', value: 1, expiresAtMs: null, dueAtMs: null };
  const blobs = createS3BlobStore({ client: new S3Client({ ...config, forcePathStyle: true }), bucket: 'b' });
  const events = createEventBridgeEventBus({ client: new EventBridgeClient(config), busName: 'x' });
  const delivery = { message: { v: 1, jobId: 'x' }, receipt: 'r', receiveCount: 1 } as const;
  const calls = [
    queue.send(delivery.message),
    queue.receive({ leaseSeconds: 1, waitMs: 0 }),
    queue.extend(delivery, 1),
    queue.ack(delivery),
    queue.depth(),
    queue.peek(1),
    store.create(makeJob()),
    store.load('x'),
    store.transition('x', { status: 'queued', attempt: 0 }, {}),
    store.list('acme', { limit: 1, order: 'asc' }),
    store.listRemovable(0, 1),
    store.countQueued(1),
    store.listBriefs('queued', 1),
    store.listRunning(1),
    store.countRunning(),
    store.listQueueHeads(0, 1),
    store.countQueuedByTenant(),
    store.countQueuedBefore('acme', '1', 1),
    store.listDeadlinesMissed(0, 1),
    kv.get('a/b', 'c'),
    kv.create(entry),
    kv.replace({ ...entry, version: 1 }),
    kv.put(entry),
    kv.remove('a/b', 'c'),
    kv.list('a/b', { limit: 1 }),
    kv.listDue('a', 0, 1),
    kv.removeExpired(0, 1),
    blobs.put('a', Buffer.from('x'), { contentType: 'x' }),
    blobs.head('a'),
    blobs.get('a'),
    blobs.deletePrefix('a/'),
    events.publish(makeEvent()),
  ];
  for (const call of await Promise.allSettled(calls))
    expect(call).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable', cause: expect.any(Error) } });
});

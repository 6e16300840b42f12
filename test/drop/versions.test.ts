import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createS3DropFolder } from '#adapters/aws/s3-drop-folder.ts';
import { ingestDrop } from '#functions/ingest-drop.ts';
import { allRows, type DropWorld, openDropWorld, TENANT } from './drop-world.ts';
import { BUCKET, bridgeEvent, type Put, SCHEDULE } from './s3-world.ts';
import { versionedBucket } from './versioned-bucket.ts';

let world: DropWorld;
let bucket: ReturnType<typeof versionedBucket>;
let handle: ReturnType<typeof ingestDrop>;
let puts = 0;

beforeEach(() => {
  world = openDropWorld();
  bucket = versionedBucket();
  const folder = createS3DropFolder({ client: bucket.client, bucket: BUCKET, now: () => Date.now() });
  handle = ingestDrop({ ...world.ports, folder, tenant: TENANT, log: () => undefined });
});
afterEach(() => world.close());

async function put(key: string, text: string): Promise<Put & { versionId: string }> {
  const { ETag, VersionId } = await bucket.client.send(
    new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: Buffer.from(text) }),
  );
  return { key, etag: ETag!.replaceAll('"', ''), versionId: VersionId!, sequencer: `00${++puts}` };
}

function event({ versionId, ...rest }: Put & { versionId: string }): any {
  const made = bridgeEvent(rest);
  made.detail.object['version-id'] = versionId;
  return made;
}

const prompts = async () =>
  (await world.ports.store.list(TENANT, { limit: 9, order: 'asc' })).jobs.map(({ request }) => request.prompt);
const outcomes = async () =>
  (await allRows<any>(world.ports, 'drop_seen')).map(({ outcome, reason }) => reason ?? outcome).sort();

describe('in a bucket that keeps versions', () => {
  test('the version that an event names is read, though another lies over it by now', async () => {
    const [first, second] = [await put('drop/a.txt', 'one'), await put('drop/a.txt', 'two')];
    await handle(event(first));
    await handle(event(second));
    expect(await prompts()).toEqual(['one', 'two']);
    await handle(SCHEDULE);
    expect(await outcomes()).toEqual(['accepted', 'accepted']);
  });

  test('a version that comes late is passed over', async () => {
    const [first, second] = [await put('drop/a.txt', 'one'), await put('drop/a.txt', 'two')];
    await handle(event(second));
    await handle(event(first));
    await handle(event(first));
    expect(await prompts()).toEqual(['two']);
    expect(await outcomes()).toEqual(['accepted', 'superseded']);
  });

  test('the same bytes put again are a drop of their own, found by the reconciler too', async () => {
    await handle(event(await put('drop/a.txt', 'one')));
    await handle(event(await put('drop/a.txt', 'two')));
    await put('drop/a.txt', 'one');
    // The clock of the bucket counts seconds.
    await new Promise(done => setTimeout(done, 1_100));
    await put('drop/a.txt', 'one');
    await handle(SCHEDULE);
    expect(await outcomes()).toEqual(['accepted', 'accepted', 'duplicate']);
    expect(bucket.keys().filter(key => key.includes('.again-'))).toHaveLength(1);
  });

  test('of two that are refused under one name each keeps its words and its bytes', async () => {
    await handle(event(await put('drop/a.json', '{')));
    await handle(event(await put('drop/sub/a.json', '[')));
    const rejected = bucket.keys().filter(key => key.startsWith('rejected/'));
    expect(rejected).toHaveLength(4);
    expect(rejected.map(key => bucket.text(key)).filter(text => text === '{' || text === '[')).toHaveLength(2);
    expect(rejected).toContain('rejected/a.error.json');
  });
});

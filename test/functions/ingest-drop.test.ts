import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createS3DropFolder } from '#adapters/aws/s3-drop-folder.ts';
import { ReelayError } from '#core/errors.ts';
import { ingestDrop } from '#functions/ingest-drop.ts';
import { allRows, finishJobs, videoBytes } from '#test/drop/drop-world.ts';
import { BUCKET, bridgeEvent, notification, openS3World, queued, type S3World, SCHEDULE } from '#test/drop/s3-world.ts';

const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(40)]);

let world: S3World;
let handle: ReturnType<typeof ingestDrop>;
const jobs = async () => (await world.deps.store.list('local', { limit: 100, order: 'asc' })).jobs;
const rows = () => allRows<any>(world.deps, 'drop_seen');
const outcomes = async () =>
  (await rows()).map(({ source, outcome, reason }) => [source.name, reason ?? outcome]).sort();

beforeEach(async () => {
  world = await openS3World();
  handle = ingestDrop(world.deps);
});
afterEach(() => world.close());

describe('an object under drop/', () => {
  test('becomes a job with a receipt, and a video under out/ when the job has ended', async () => {
    await handle(bridgeEvent(await world.put('drop/cat.txt', 'a cat')));
    const [job] = await jobs();
    expect(job?.request.prompt).toBe('a cat');
    expect(await world.receipts()).toMatchObject([
      { outcome: 'accepted', id: job?.id, status: 'queued', output: null },
    ]);
    await finishJobs(world.deps);
    await handle(SCHEDULE);
    const [receipt] = await world.receipts();
    expect(receipt).toMatchObject({ status: 'completed', output: { file: `cat.${job?.id}.mp4` } });
    expect(await world.text(`out/${receipt.output.file}`)).toBe(videoBytes(job!.id).toString());
    expect(await allRows(world.deps, 'drop_open')).toEqual([]);
    expect(await world.text('drop/cat.txt')).toBe('a cat');
    expect(world.requests.filter(name => /Copy|Delete/.test(name))).toEqual([]);
  });

  test('that is refused is put under rejected/ beside the words, and stays where it was', async () => {
    await handle(notification(await world.put('drop/a.png', PNG), await world.put('drop/a.txt', 'it moves')));
    expect(await world.keys('rejected/')).toEqual(['a.error.json', 'a.png', 'a.txt']);
    expect((await world.json('rejected/a.error.json')).error.message).toContain('mini offers text-to-video');
    expect(await world.keys('drop/')).toEqual(['a.png', 'a.txt']);
    expect(await outcomes()).toEqual([
      ['a.png', 'rejected'],
      ['a.txt', 'rejected'],
    ]);
  });

  test('told of twice, by both ways and by the reconciler, is one job', async () => {
    const put = await world.put('drop/cat.txt', 'a cat');
    await Promise.all([handle(bridgeEvent(put)), handle(bridgeEvent(put)), handle(notification(put, put))]);
    await handle(SCHEDULE);
    await handle(bridgeEvent(put));
    expect(await jobs()).toHaveLength(1);
    expect(await outcomes()).toEqual([['cat.txt', 'accepted']]);
    expect(await world.keys('out/')).toHaveLength(1);
  });

  test('of the same content as another is its duplicate', async () => {
    await handle(bridgeEvent(await world.put('drop/a.txt', 'a cat')));
    await handle(bridgeEvent(await world.put('drop/sub/b.json', '{"prompt":"a cat"}')));
    expect(await jobs()).toHaveLength(1);
    expect((await world.receipts()).map(({ outcome }) => outcome).sort()).toEqual(['accepted', 'duplicate']);
  });

  test('with a name that events encode is found by both readings', async () => {
    const names = ['a b+c.txt', '100%.txt', '猫 +.txt', 'x%2By.txt', 'q?&=#.txt'];
    for (const [at, name] of names.entries()) {
      const put = await world.put(`drop/${name}`, `prompt ${at}`);
      await handle(at % 2 === 0 ? notification(put) : bridgeEvent(put));
    }
    const put = await world.put('drop/two words.txt', 'said by a sender that encodes what others do not');
    await handle(bridgeEvent({ ...put, key: 'drop/two+words.txt' }));
    expect((await outcomes()).map(([name]) => name)).toEqual([...names, 'two words.txt'].sort());
    for (const name of await world.keys('out/')) expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]+$/);
  });

  test('that is a marker, empty, hidden or half a name is skipped and starts nothing', async () => {
    for (const key of ['drop/folder/', 'drop/.keep', 'drop/a.tmp', 'drop/x.part', 'drop/.DS_Store'])
      await handle(bridgeEvent(await world.put(key, 'x')));
    await handle(bridgeEvent(await world.put('drop/empty.txt', '')));
    expect((await rows()).every(({ outcome }) => outcome === 'skipped')).toBe(true);
    expect(await rows()).toHaveLength(6);
    expect(await world.keys('out/')).toEqual([]);
    expect(await world.keys('rejected/')).toEqual([]);
  });

  test('without its sidecar waits for it, and for the reconciler at last', async () => {
    const image = await world.put('drop/late.png', PNG);
    await handle(bridgeEvent(image));
    expect(await rows()).toEqual([]);
    world.later(60_000);
    await handle(SCHEDULE);
    expect(await outcomes()).toEqual([['late.png', 'rejected']]);
    // A sidecar that comes after that stands for itself.
    await handle(bridgeEvent(await world.put('drop/late.txt', 'it moves')));
    expect(await outcomes()).toEqual([
      ['late.png', 'rejected'],
      ['late.txt', 'accepted'],
    ]);
  });
});

describe('an overwritten object', () => {
  test('is read as the version that the event names, or not at all', async () => {
    const first = await world.put('drop/a.txt', 'the first');
    const second = await world.put('drop/a.txt', 'the second');
    await handle(bridgeEvent(first));
    expect(await jobs()).toEqual([]);
    await handle(bridgeEvent(second));
    expect((await jobs()).map(({ request }) => request.prompt)).toEqual(['the second']);
    expect(await outcomes()).toEqual([
      ['a.txt', 'accepted'],
      ['a.txt', 'gone'],
    ]);
  });

  test('does not come back by a late event, and does by a new put of the old bytes', async () => {
    const first = await world.put('drop/a.txt', 'one');
    const second = await world.put('drop/a.txt', 'two');
    await handle(bridgeEvent(second));
    await handle(bridgeEvent(first));
    expect((await jobs()).map(({ request }) => request.prompt)).toEqual(['two']);
    await handle(bridgeEvent(await world.put('drop/a.txt', 'one')));
    expect((await jobs()).map(({ request }) => request.prompt)).toEqual(['two', 'one']);
  });
});

describe('a loop', () => {
  test('is not started by what carries our mark, by our papers or by our videos', async () => {
    await handle(bridgeEvent(await world.put('drop/a.txt', 'a cat')));
    await finishJobs(world.deps);
    await handle(SCHEDULE);
    const [receipt] = await world.receipts();
    const before = await world.keys('');
    await handle(bridgeEvent(await world.put('drop/marked.txt', 'another', { 'reelay-origin': 'drop' })));
    await handle(bridgeEvent(await world.put('drop/r.json', JSON.stringify(receipt))));
    world.later(60_000);
    await handle(bridgeEvent(await world.put('drop/v.mp4', videoBytes(receipt.id))));
    await handle(bridgeEvent({ key: `out/${receipt.output.file}`, etag: 'x', sequencer: '1' }));
    await handle(SCHEDULE);
    expect(await jobs()).toHaveLength(1);
    expect((await outcomes()).filter(([, outcome]) => outcome === 'own')).toHaveLength(3);
    expect(await world.keys('')).toHaveLength(before.length + 3);
  });

  test('is not set up: prefixes that lie in one another are refused', () => {
    const make = (outPrefix: string) => () =>
      createS3DropFolder({ client: world.s3, bucket: BUCKET, outPrefix, now: () => 0 });
    for (const bad of ['drop/', 'drop/out/', 'out', '/out/', 'rejected/']) expect(make(bad)).toThrow(ReelayError);
    expect(make('results/')).not.toThrow();
  });
});

describe('the function', () => {
  test('takes what a queue delivers, and gives back only what failed', async () => {
    const [a, b] = [await world.put('drop/a.txt', 'a'), await world.put('drop/b.txt', 'b')];
    const full = ingestDrop({ ...world.deps, maxQueuedJobs: 1 });
    const answer = await full(queued(bridgeEvent(a), notification(b), 'no JSON', '"text"', { Event: 's3:TestEvent' }));
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(await handle(queued(notification(b)))).toEqual({ batchItemFailures: [] });
    expect(await outcomes()).toEqual([
      ['a.txt', 'accepted'],
      ['b.txt', 'accepted'],
    ]);
  });

  test('passes over what is about nothing of ours', async () => {
    const removed = {
      Records: [{ eventName: 'ObjectRemoved:Delete', s3: { bucket: { name: BUCKET }, object: { key: 'drop/a.txt' } } }],
    };
    const events: any[] = [
      { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: BUCKET },
      removed,
      bridgeEvent({ key: 'videos/x.mp4', etag: 'a', sequencer: '1' }),
      { ...bridgeEvent({ key: 'drop/x.txt', etag: 'a', sequencer: '1' }), 'detail-type': 'Object Deleted' },
      { Records: [] },
      {},
    ];
    for (const event of events) expect(await handle(event)).toBeUndefined();
    expect(await rows()).toEqual([]);
  });

  test('fails as a whole for an event that cannot be dealt with now, so that it comes again', async () => {
    const put = await world.put('drop/a.txt', 'a');
    const full = ingestDrop({ ...world.deps, maxQueuedJobs: 0 });
    await expect(full(bridgeEvent(put))).rejects.toMatchObject({ code: 'queue_full' });
    expect(await rows()).toEqual([]);
  });

  test('holds back a prefix that makes more jobs a minute than anybody drops', async () => {
    const slow = ingestDrop({ ...world.deps, jobsPerMinute: 2 });
    for (const at of [1, 2]) await slow(bridgeEvent(await world.put(`drop/${at}.txt`, `prompt ${at}`)));
    const third = await world.put('drop/3.txt', 'prompt 3');
    await expect(slow(bridgeEvent(third))).rejects.toMatchObject({ code: 'rate_limited' });
    world.later(60_000);
    await slow(bridgeEvent(third));
    expect(await jobs()).toHaveLength(3);
  });
});

describe('the reconciler', () => {
  test('finds what no event told of, once', async () => {
    for (let at = 0; at < 5; at++) await world.put(`drop/${at}.txt`, `prompt ${at}`);
    await handle(SCHEDULE);
    expect(await jobs()).toHaveLength(5);
    const before = world.requests.length;
    await handle(SCHEDULE);
    expect(world.requests.slice(before).filter(name => name !== 'ListObjectsV2Command')).toEqual([]);
    expect(await jobs()).toHaveLength(5);
  });
});

import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSqsWakeQueue } from '#adapters/aws/sqs-wake-queue.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { listPresent, presenceSpace, tellPresence } from '#core/placement/presence.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { runPresence } from '#gpu-container/worker/run-presence.ts';
import { type AwsServers, startAwsServers } from '#test/contracts/aws-servers.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';

const place = { pool: 'cellar', site: 'onprem', region: 'home' } as const;
const worker = { id: 'box-1', place, models: { tiny: 1 }, server: null };
const startMs = 1_800_000_000_000;

let kv: KeyValueStore;
let close: () => void;
beforeEach(() => {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  kv = createSqliteKeyValueStore(db);
  close = () => {
    db.close();
    folder.remove();
  };
});
afterEach(() => close());

/** A worker on a clock of its own that is stopped after so many beats; `before` is done before each of them. */
async function beats(count: number, before: (beat: number, nowMs: number) => Promise<void>, store = kv) {
  let nowMs = startMs;
  const stop = new AbortController();
  const warned: unknown[] = [];
  let beat = 0;
  await runPresence(
    {
      kv: store,
      now: () => nowMs,
      log: (level, message) => warned.push([level, message]),
      sleep: async ms => {
        nowMs += ms;
        await before(++beat, nowMs);
        if (beat === count) stop.abort();
      },
    },
    worker,
    stop.signal,
  );
  return warned;
}

describe('a worker', () => {
  test('is there from its first beat until it leaves', async () => {
    const seen: number[] = [];
    await beats(5, async (_, nowMs) => {
      seen.push((await listPresent(kv, nowMs)).length);
    });
    expect(seen).toEqual([1, 1, 1, 1, 1]);
    expect(await listPresent(kv, startMs)).toEqual([]);
  });

  test('that died is gone three beats later', async () => {
    await tellPresence(kv, { v: 1, startedAtMs: startMs, ...worker }, startMs);
    expect(await listPresent(kv, startMs + fleetLimits.presenceSeconds * 1_000 - 1)).toHaveLength(1);
    expect(await listPresent(kv, startMs + fleetLimits.presenceSeconds * 1_000)).toEqual([]);
  });

  test('goes on through beats that fail, and says so', async () => {
    let fails = false;
    const flaky: KeyValueStore = { ...kv, put: entry => (fails ? Promise.reject(new Error('out')) : kv.put(entry)) };
    const warned = await beats(
      6,
      async beat => {
        fails = beat < 3;
      },
      flaky,
    );
    expect(warned).toEqual([
      ['warn', 'presence not told'],
      ['warn', 'presence not told'],
    ]);
  });

  test('of any pool is found, and an entry that nobody can read is nobody', async () => {
    for (const pool of ['a', 'b'])
      await tellPresence(kv, { v: 1, startedAtMs: startMs, ...worker, id: pool, place: { ...place, pool } }, startMs);
    for (const [name, value] of Object.entries({
      n: null,
      v: { v: 2 },
      p: { v: 1, models: {}, startedAtMs: 1, place: { pool: 'a', site: 'moon' } },
    }))
      await kv.put({ space: presenceSpace('a'), name, value, expiresAtMs: startMs + 9_000, dueAtMs: startMs });
    expect((await listPresent(kv, startMs)).map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('on DynamoDB', () => {
  let aws: AwsServers;
  beforeEach(async () => {
    aws = await startAwsServers();
  });
  afterEach(() => aws.close());

  test('a wake-up is a message that waits as long as it was asked to', async () => {
    const wake = createSqsWakeQueue({ client: aws.clients.sqs, queueUrl: aws.queueUrl });
    await wake(1);
    const take = (WaitTimeSeconds: number) =>
      aws.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, WaitTimeSeconds }));
    expect((await take(0)).Messages ?? []).toEqual([]);
    expect((await take(3)).Messages?.map(({ Body }) => Body)).toEqual(['{"v":1}']);
    const lost = createSqsWakeQueue({ client: aws.clients.sqs, queueUrl: `${aws.queueUrl}-not-there` });
    await expect(lost(1)).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('workers of all pools are found by one list', async () => {
    for (const pool of ['a', 'b', 'c'])
      await tellPresence(
        aws.kv,
        { v: 1, startedAtMs: startMs, ...worker, id: `w-${pool}`, place: { ...place, pool } },
        startMs,
      );
    const found = await listPresent(aws.kv, startMs + 1_000);
    expect(found.map(({ id, place: where }) => [id, where.pool])).toEqual([
      ['w-a', 'a'],
      ['w-b', 'b'],
      ['w-c', 'c'],
    ]);
  });
});

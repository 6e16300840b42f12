import { afterAll, beforeAll, expect, test } from 'vitest';
import { ingestDrop } from '#functions/ingest-drop.ts';
import { allRows, type DropWorld, finishJobs, openDropWorld } from '#test/drop/drop-world.ts';
import {
  bridgeEvent,
  notification,
  openS3World,
  type Put,
  queued,
  type S3World,
  SCHEDULE,
} from '#test/drop/s3-world.ts';
import { createPrng } from '#test/simulation/prng.ts';

const DROPS = 80;

let world: S3World;
/** Stores that take hundreds of drops in seconds. */
let local: DropWorld;

beforeAll(async () => {
  local = openDropWorld();
  world = await openS3World(local.ports);
});
afterAll(async () => {
  await world.close();
  await local.close();
});

/** Every event twice, shuffled, one in twenty never sent, one key in eight written over in mid-run, eight functions at once. */
test('every object that is there has one outcome, whatever its events do', async () => {
  const prng = createPrng(20_260_101);
  const random = () => prng.next();
  const failing = failNow(random);
  const handle = ingestDrop(failing.deps(world));
  const puts: Put[] = [];
  for (let at = 0; at < DROPS; at++) {
    const content = at % 10 === 9 ? `prompt ${at - 1}` : `prompt ${at}`;
    puts.push(await world.put(`drop/${at % 3 === 0 ? 'sub folder/' : ''}${at}.txt`, content));
  }
  const events = shuffle(
    puts.flatMap(put => (random() < 0.05 ? [] : [put, put])),
    random,
  );
  await inParallel(8, events, async (put, at) => {
    if (at % 16 === 0) await overwrite(put);
    await deliver(handle, put, random);
  });
  failing.stop();
  const late = shuffle([...puts], random);
  await inParallel(
    8,
    late.filter(() => random() < 0.95),
    put => deliver(handle, put, random),
  );
  await handle(SCHEDULE);
  await finishJobs(world.deps);
  await handle(SCHEDULE);
  await check();

  async function overwrite({ key }: Put): Promise<void> {
    puts.push(await world.put(key, `prompt of ${key}, once more`));
  }
}, 240_000);

async function check(): Promise<void> {
  const seen = await world.deps.kv.list('drop_seen/local', { limit: 1_000 });
  const outcomeOf = new Map(seen.map(({ name, value }) => [name, value as any]));
  const contents = new Map<string, string[]>();
  const objects = await world.deps.folder.list(undefined, 1_000);
  expect(objects).toHaveLength(DROPS);
  for (const { key, etag } of objects) {
    const row = outcomeOf.get(world.deps.folder.identityOf(key, { etag }));
    expect([key, row?.outcome]).toEqual([key, expect.stringMatching(/^(accepted|duplicate)$/)]);
    const content = await world.text(key);
    contents.set(content, [...(contents.get(content) ?? []), row.jobs[0].id]);
  }
  // One job a content, for all who dropped it; no content has two.
  for (const ids of contents.values()) expect(new Set(ids).size).toBe(1);
  const { jobs } = await world.deps.store.list('local', { limit: 1_000, order: 'asc' });
  expect(new Set(jobs.map(({ request }) => request.prompt)).size).toBe(jobs.length);
  const done = seen.map(({ value }) => value as any).filter(({ outcome }) => outcome !== 'skipped');
  const receipts = await world.receipts();
  expect(receipts).toHaveLength(done.length);
  expect(receipts.every(({ status, output }) => status === 'completed' && output !== null)).toBe(true);
  expect(await allRows(world.deps, 'drop_open')).toEqual([]);
  expect(world.requests.filter(name => /Copy|Delete/.test(name))).toEqual([]);
}

type Random = () => number;

/** By EventBridge, by a notification or out of a queue; what fails is delivered again, as AWS does it. */
async function deliver(handle: ReturnType<typeof ingestDrop>, put: Put, random: Random): Promise<void> {
  const way = Math.floor(random() * 3);
  for (let tries = 0; tries < 8; tries++)
    try {
      const event = way === 0 ? bridgeEvent(put) : notification(put);
      const answer = await handle(way === 2 ? queued(event) : event);
      if ((answer?.batchItemFailures.length ?? 0) === 0) return;
    } catch {
      // delivered again
    }
}

/** One call in a hundred of the key-value store and the folder fails, before or after it has done its work. */
function failNow(random: Random) {
  let on = true;
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== 'function' || ['watches', 'partsOf', 'identityOf'].includes(String(key))) return value;
        return async (...args: unknown[]) => {
          const dice = on ? random() : 1;
          if (dice < 0.005) throw new Error('before');
          const result = await value.apply(target, args);
          if (dice < 0.01) throw new Error('after');
          return result;
        };
      },
    });
  return {
    deps: ({ deps }: S3World) => ({ ...deps, kv: wrap(deps.kv), folder: wrap(deps.folder) }),
    stop: () => {
      on = false;
    },
  };
}

async function inParallel<T>(lanes: number, items: readonly T[], work: (item: T, at: number) => Promise<void>) {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      await work(items[at]!, at);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function shuffle<T>(items: T[], random: Random): T[] {
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
  return items;
}

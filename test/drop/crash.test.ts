/** A crash before or after every single step of taking a drop in, then a restart: always one outcome, one job, no byte lost. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLocalDropFolder } from '#adapters/local/drop-files.ts';
import { openDropPlaces } from '#adapters/local/drop-places.ts';
import { createScanner } from '#adapters/local/drop-scanner.ts';
import type { LocalSource } from '#adapters/local/drop-source.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { closeReceipts } from '#core/drop/close-receipts.ts';
import { type DropPorts, ingest } from '#core/drop/ingest.ts';
import type { SeenRow } from '#core/drop/registry.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import type { ModelCatalog } from '#core/models.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { ALL_TASKS, CARD } from '#test/core/model-card.ts';
import { makeImage } from '#test/media/make-media.ts';
import { allRows, finishJobs, TENANT } from './drop-world.ts';

const PNG = await makeImage('png');

interface Scenario {
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** Outcomes by name. */
  readonly outcomes: Readonly<Record<string, SeenRow['outcome']>>;
  readonly jobs: number;
  readonly receipts: number;
  readonly errors: number;
  /** CARD alone unless said otherwise. */
  readonly models?: ModelCatalog;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'a text': { files: { 'a.txt': 'a cat' }, outcomes: { 'a.txt': 'accepted' }, jobs: 1, receipts: 1, errors: 0 },
  'a text and its duplicate': {
    files: { 'a.txt': 'a cat', 'b.json': '{"prompt":"a cat"}' },
    outcomes: { 'a.txt': 'accepted', 'b.json': 'duplicate' },
    jobs: 1,
    receipts: 2,
    errors: 0,
  },
  'a batch': {
    files: { 'a.jsonl': '{"prompt":"a"}\n{"prompt":"b"}\n{"prompt":"a"}\n' },
    outcomes: { 'a.jsonl': 'accepted' },
    jobs: 3,
    receipts: 3,
    errors: 0,
  },
  'an image with a sidecar': {
    files: { 'a.png': PNG, 'a.txt': 'it moves' },
    outcomes: { 'a.png': 'rejected', 'a.txt': 'rejected' },
    jobs: 0,
    receipts: 0,
    errors: 1,
  },
  'an image with a sidecar, where a model takes it': {
    files: { 'a.png': PNG, 'a.txt': 'it moves' },
    outcomes: { 'a.png': 'accepted', 'a.txt': 'accepted' },
    jobs: 1,
    receipts: 1,
    errors: 0,
    models: [CARD, ALL_TASKS],
  },
  'a request that names an image, where a model takes it, and its duplicate': {
    files: { 'a.json': '{"prompt":"x","input_reference":"b.png"}', 'b.png': PNG, 'c.png': PNG, 'c.txt': 'x' },
    outcomes: { 'a.json': 'accepted', 'b.png': 'accepted', 'c.png': 'duplicate', 'c.txt': 'duplicate' },
    jobs: 1,
    receipts: 2,
    errors: 0,
    models: [ALL_TASKS],
  },
  'a request that names an image': {
    files: { 'a.json': '{"prompt":"x","input_reference":"b.png"}', 'b.png': PNG },
    outcomes: { 'a.json': 'rejected', 'b.png': 'rejected' },
    jobs: 0,
    receipts: 0,
    errors: 1,
  },
  'a broken request': {
    files: { 'a.json': '{"prompt":' },
    outcomes: { 'a.json': 'rejected' },
    jobs: 0,
    receipts: 0,
    errors: 1,
  },
};

class Crash extends Error {}

/** Every call of every port counts; the `at`th dies before or after it is done, and so does all that comes later. */
function dyingPorts(ports: DropPorts<LocalSource>, at: number, after: boolean) {
  let calls = 0;
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const call = calls++;
          if (call > at || (call === at && !after)) throw new Crash();
          const result = await value.apply(target, args);
          if (call === at) throw new Crash();
          return result;
        };
      },
    });
  const { kv, store, queue, blobs, folder } = ports;
  const wrapped = { kv: wrap(kv), store: wrap(store), queue: wrap(queue), blobs: wrap(blobs), folder: wrap(folder) };
  const dying = { ...ports, ...wrapped };
  return { dying, calls: () => calls };
}

async function openWorld(models: ModelCatalog = [CARD]) {
  const { path, remove } = temporaryFolder();
  const db = openDatabase(join(path, 'data'));
  db.exec('PRAGMA synchronous=OFF');
  const now = () => Date.now();
  const base = createLocalPorts({ db, folder: join(path, 'data'), owner: 'test', models, now });
  mkdirSync(join(path, 'drop', 'in'), { recursive: true });
  const places = await openDropPlaces(join(path, 'drop'));
  let clock = 0;
  const ready = async () => {
    const scanner = createScanner(places, () => clock);
    await scanner.scan();
    clock += 60_000;
    const { ready: units } = await scanner.scan();
    const folder = createLocalDropFolder(places, name => scanner.find(name));
    return { units, ports: { ...base, folder, tenant: TENANT } };
  };
  const close = () => {
    db.close();
    remove();
  };
  return { places, base, ready, close };
}

type World = Awaited<ReturnType<typeof openWorld>>;

/** Ingests all there is; with `at` it dies at that call and this returns false. */
async function pass(world: World, at = Number.POSITIVE_INFINITY, after = false): Promise<boolean> {
  const { units, ports } = await world.ready();
  const { dying, calls } = dyingPorts(ports, at, after);
  try {
    for (const unit of units) await ingest(dying, unit);
    return calls() <= at;
  } catch (error) {
    if (error instanceof Crash || calls() > at) return false;
    throw error;
  }
}

function hashes(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => !name.endsWith('.error.json'))
    .map(name =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    );
}

async function check(world: World, scenario: Scenario): Promise<void> {
  const { places, base } = world;
  const rows = await allRows<SeenRow>(base, 'drop_seen');
  expect(rows.map(({ source, outcome }) => [source.name, outcome]).sort()).toEqual(
    Object.entries(scenario.outcomes).sort(),
  );
  const { jobs } = await base.store.list(TENANT, { limit: 100, order: 'asc' });
  expect(jobs).toHaveLength(scenario.jobs);
  for (const { request } of scenario.models === undefined ? [] : jobs)
    expect((await base.blobs.get(request.reference!.key))?.bytes).toBe(PNG.length);
  expect(readdirSync(places.in)).toEqual([]);
  expect(readdirSync(places.out)).toHaveLength(scenario.receipts);
  expect(readdirSync(places.rejected).filter(name => name.endsWith('.error.json'))).toHaveLength(scenario.errors);
  const sources = Object.values(scenario.files).map(content => createHash('sha256').update(content).digest('hex'));
  expect([...hashes(places.accepted), ...hashes(places.rejected)].sort()).toEqual(sources.sort());
}

describe.each(Object.entries(scenarios))('%s', (_, scenario) => {
  test('has one outcome, wherever the process dies', async () => {
    let died = 0;
    for (const after of [false, true])
      for (let at = 0; ; at++) {
        const world = await openWorld(scenario.models);
        try {
          for (const [name, content] of Object.entries(scenario.files))
            writeFileSync(join(world.places.in, name), content);
          const survived = await pass(world, at, after);
          await pass(world);
          await check(world, scenario);
          if (survived) break;
          died++;
        } finally {
          world.close();
        }
      }
    expect(died).toBeGreaterThan(10);
  });
});

test('a job that was deleted before its drop had its outcome is made again', async () => {
  const world = await openWorld();
  try {
    writeFileSync(join(world.places.in, 'a.txt'), 'a cat');
    // The first write of a row of ours: the job is made by then, and nothing says for which drop.
    const { units, ports } = await world.ready();
    const kv = new Proxy(ports.kv, {
      get: (target, key) => (key === 'create' ? failOn(target, 'drop_content') : Reflect.get(target, key)),
    });
    await expect(ingest({ ...ports, kv }, units[0]!)).rejects.toThrow();
    const [first] = (await world.base.store.list(TENANT, { limit: 9, order: 'asc' })).jobs;
    await deleteJob(world.base, TENANT, first!.id);
    await pass(world);
    const left = (await world.base.store.list(TENANT, { limit: 9, order: 'asc' })).jobs;
    expect(left.map(({ id, status }) => [id === first?.id, status])).toEqual([[false, 'queued']]);
    expect(readdirSync(world.places.accepted)).toEqual(['a.txt']);
  } finally {
    world.close();
  }
});

test('a batch of which the queue refuses a line leaves no job behind', async () => {
  const world = await openWorld();
  try {
    const deadline = Math.floor(Date.now() / 1000) + 60;
    // At a minute a job, which is what was measured here, the second line can never be in time.
    const pace = { msPerCost: 1e6, deviation: 0, jobs: 9 };
    await world.base.kv.put({ space: 'pace/render', name: CARD.id, value: pace, expiresAtMs: null, dueAtMs: null });
    writeFileSync(join(world.places.in, 'a.jsonl'), `{"prompt":"a"}\n{"prompt":"b","deadline":${deadline}}\n`);
    await pass(world);
    const { jobs } = await world.base.store.list(TENANT, { limit: 9, order: 'asc' });
    expect(jobs.map(({ status }) => status)).toEqual(['cancelled']);
    const { error } = JSON.parse(readFileSync(join(world.places.rejected, 'a.error.json'), 'utf8'));
    expect(error).toMatchObject({
      code: 'deadline_unattainable',
      message: expect.stringMatching(/^line 2: deadline: /),
    });
  } finally {
    world.close();
  }
});

function failOn(kv: KeyValueStore, kind: string): KeyValueStore['create'] {
  return async entry => {
    if (entry.space.startsWith(`${kind}/`)) throw new Crash();
    return kv.create(entry);
  };
}

test('a receipt is finished once, wherever the process dies while it is', async () => {
  for (const after of [false, true])
    for (let at = 0; ; at++) {
      const world = await openWorld();
      try {
        writeFileSync(join(world.places.in, 'a.txt'), 'a cat');
        await pass(world);
        await finishJobs(world.base);
        const { ports } = await world.ready();
        const { dying, calls } = dyingPorts(ports, at, after);
        await closeReceipts(dying, undefined).catch(() => undefined);
        const died = calls() > at;
        await closeReceipts(ports, undefined);
        const out = readdirSync(world.places.out);
        expect(out).toHaveLength(2);
        const receipt = JSON.parse(
          readFileSync(join(world.places.out, out.find(name => name.endsWith('.json'))!), 'utf8'),
        );
        expect(receipt).toMatchObject({
          status: 'completed',
          output: { file: out.find(name => name.endsWith('.mp4')) },
        });
        expect(await allRows(world.base, 'drop_open')).toEqual([]);
        if (!died) break;
      } finally {
        world.close();
      }
    }
});

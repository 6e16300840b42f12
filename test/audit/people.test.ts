import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSealing } from '#adapters/local/master-key-file.ts';
import { makeSecretFile, readSecretFile } from '#adapters/local/secret-file.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { eraseUser } from '#core/jobs/erase-user.ts';
import { listUserJobs } from '#core/jobs/export-user.ts';
import { remix } from '#core/jobs/remix.ts';
import { submit } from '#core/jobs/submit.ts';
import { countIn } from './erase-world.ts';
import { canaryOf, openPeopleWorld, type PeopleWorld, personOf } from './people-world.ts';

let world: PeopleWorld;
beforeEach(async () => {
  world = await openPeopleWorld();
});
afterEach(() => world.close());

test('erased people leave no byte in the folder, others lose nothing, and the ledger holds', async () => {
  const jobs = [];
  for (let n = 0; n < 20; n++) jobs.push(await world.keep(n));
  // Even before: only the videos lie open, and nobody's name anywhere.
  expect(world.canaries()).toBe(20 * 50);
  expect(countIn(world.folder, 'person-')).toBe(0);
  const wrapped = (await world.ports.kv.get('subject-key/acme', jobs[0]!.subject!))!.value as { wrapped: string };
  for (let n = 0; n < 20; n += 2) expect(await world.erase(n)).toBe(1);
  await world.sweep();
  expect(world.canaries()).toBe(10 * 50);
  expect(countIn(world.folder, wrapped.wrapped)).toBe(0);
  for (const [n, job] of jobs.entries()) {
    const now = await world.ports.store.get(job.id, 'acme');
    if (n % 2 === 0) expect(now).toBeUndefined();
    else expect(now?.request.prompt).toBe(`a film about ${canaryOf(n)}`);
    expect((await world.ports.blobs.get(job.request.reference!.key)) === undefined).toBe(n % 2 === 0);
  }
  const left = await listUserJobs(world.ports, 'acme', personOf(1), { limit: 9 });
  expect(left.jobs.map(({ id }) => id)).toEqual([jobs[1]!.id]);
  expect((await listUserJobs(world.ports, 'acme', personOf(0), { limit: 9 })).jobs).toEqual([]);
  expect((await world.verify()).findings).toEqual([]);
});

test('nothing new is taken of an erased person, also none of whom nothing was; the same name of another tenant is another person', async () => {
  await eraseUser(world.ports, 'acme', personOf(1), { system: 'command' });
  await expect(world.keep(1)).rejects.toThrow('erased on request');
  await world.sweep();
  expect(world.canaries()).toBe(0);
  const other = await submit(world.ports, 'umbrella', { prompt: 'x', user: personOf(1) });
  expect((await world.ports.store.load(other.id))?.erased).toBe(false);
});

test('a running job of an erased person is asked to stop, and what it has goes once it has stopped', async () => {
  const job = await world.keep(3);
  const running = { status: 'in_progress', attempt: 1 } as const;
  await world.ports.store.transition(job.id, { status: 'queued', attempt: 0 }, running);
  await world.erase(3);
  const asked = await world.ports.store.load(job.id);
  expect([asked?.status, asked?.cancelRequestedAtMs === null, asked?.deletedAtMs === null]).toEqual([
    'in_progress',
    false,
    false,
  ]);
  await world.ports.store.transition(job.id, running, { status: 'cancelled', outbox: [] });
  await world.sweep();
  expect(await world.ports.store.load(job.id)).toBeUndefined();
});

test('what is made of a video of a person is theirs too, unless it names another', async () => {
  const job = await world.keep(4);
  const { store } = world.ports;
  await store.transition(job.id, { status: 'queued', attempt: 0 }, { status: 'in_progress', attempt: 1 });
  await store.transition(job.id, { status: 'in_progress', attempt: 1 }, { status: 'completed', outbox: [] });
  const again = await remix(world.ports, 'acme', job.id, { prompt: 'other' }, {});
  const theirs = await remix(world.ports, 'acme', job.id, { prompt: 'other', user: 'x' }, {});
  expect(again.subject).toBe(job.subject);
  expect(theirs.subject).not.toBe(job.subject);
  await world.erase(4);
  expect((await store.load(again.id))?.deletedAtMs ?? 1).not.toBeNull();
  expect((await store.load(theirs.id))?.deletedAtMs).toBeNull();
});

test('a job whose prompts are gone is made again by nobody', async () => {
  const job = await world.keep(5);
  const { store, deadLetters } = world.ports;
  await store.transition(
    job.id,
    { status: 'queued', attempt: 0 },
    { status: 'failed', sealed: null, erased: true, outbox: [] },
  );
  expect(await store.load(job.id)).toMatchObject({ erased: true, request: { prompt: '' } });
  await deadLetters.send({ v: 1, jobId: job.id, reason: 'internal' });
  const { jobs, dropped } = await redrive(world.ports, { limit: 9, pace: async () => undefined });
  expect([jobs.size, dropped.get(job.id)]).toEqual([0, 'What this video was asked for with is kept no longer.']);
});

test.each(['', '  ', 'a\nb', 'x'.repeat(257)])(
  'a name like %j is refused, in a request and in an erasure',
  async user => {
    await expect(submit(world.ports, 'acme', { prompt: 'x', user })).rejects.toThrow(
      /^user: got \d+ characters; 1 to 256/,
    );
    await expect(eraseUser(world.ports, 'acme', user, { system: 'command' })).rejects.toThrow(/^subject: got/);
  },
);

test('the master key lies beside the stores, its owner alone may read it', () => {
  expect(readSecretFile(join(world.folder, 'master-key'))).toMatch(/^[0-9a-f]{64}\n$/);
});

test('a folder that lost its master key does not start with a new one, and opens with the old one again', async () => {
  const [path, { kv }] = [join(world.folder, 'master-key'), world.ports];
  const job = await world.keep(1);
  await world.ports.checkMasterKey();
  const lost = readSecretFile(path)!;
  rmSync(path);
  await expect(openSealing(world.folder, { kv, now: Date.now }).check()).rejects.toThrow('bring that one back');
  expect(readSecretFile(path)).toBeUndefined();
  makeSecretFile(path, lost);
  await openSealing(world.folder, { kv, now: Date.now }).check();
  expect((await world.ports.store.load(job.id))?.request.prompt).toContain(canaryOf(1));
});

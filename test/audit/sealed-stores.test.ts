import { describe, expect, test } from 'vitest';
import { createSealing } from '#adapters/sealing.ts';
import { sealLimits } from '#core/audit/seal-limits.ts';
import { subjectKeyPlace } from '#core/audit/subject-key.ts';
import type { Job } from '#core/job.ts';
import { checkpointKey, referenceFolder } from '#core/keys.ts';
import { jobStoreContract } from '#test/contracts/job-store.contract.ts';
import { makeJob, makeRunningJob } from '#test/contracts/make-job.ts';
import { createMemoryBlobStore } from '#test/simulation/memory-blob-store.ts';
import { createMemoryJobStore } from '#test/simulation/memory-job-store.ts';
import { createMemoryKeyValueStore } from '#test/simulation/memory-key-value-store.ts';
import { realTimers } from '#test/simulation/virtual-time.ts';

const master = Buffer.alloc(32, 7);

function openSealed(masterKey: Uint8Array = master, kv = createMemoryKeyValueStore()) {
  const time = { nowMs: 1_000_000 };
  const calls = { get: 0, put: 0 };
  const counted = {
    ...kv,
    get: (space: string, name: string) => {
      calls.get++;
      return kv.get(space, name);
    },
  };
  const inner = createMemoryJobStore({ nowMs: realTimers.nowMs });
  const innerBlobs = createMemoryBlobStore();
  const sealing = createSealing({ kv: counted, master: masterKey, now: () => time.nowMs, where: 'master-key' });
  const [store, blobs] = [sealing.store(inner), sealing.blobs(innerBlobs)];
  return { sealing, store, blobs, inner, innerBlobs, kv, calls, time };
}

type World = ReturnType<typeof openSealed>;

/** What an erasure does first; this process does not know of it. */
async function destroyKey({ kv }: World, subject: { tenant: string; id: string }): Promise<void> {
  const place = subjectKeyPlace(subject);
  await kv.put({ ...place, value: { v: 1, state: 'erasing', atMs: 1 }, expiresAtMs: null, dueAtMs: null });
}

jobStoreContract('The sealed job store', async () => ({ store: openSealed().store, close: async () => undefined }));

const person = { tenant: 'acme', id: `subject:${'ab'.repeat(16)}` };
const receipt = { key: 'k', bytes: 1, sha256: 'ab'.repeat(32), requestKey: 'cd'.repeat(32) };
const ofPerson = (fields: Partial<Job> = {}) => {
  const job = makeJob({ subject: person.id, ...fields });
  return { ...job, request: { ...job.request, prompt: 'canary red', negative_prompt: 'canary blue' } };
};

describe('records', () => {
  test('lie without prompts and the keys of receipts, and read as they were made', async () => {
    const world = openSealed();
    const job = ofPerson({ ...makeRunningJob({ subject: person.id }) });
    await world.store.create(job);
    expect(await world.store.load(job.id)).toEqual(job);
    const done = await world.store.transition(
      job.id,
      { status: 'in_progress', attempt: 1 },
      { status: 'completed', receipt },
    );
    expect(done).toMatchObject({ request: job.request, receipt, sealed: null, erased: false });
    expect((await world.store.list('acme', { limit: 9, order: 'asc' })).jobs).toEqual([done]);
    const lying = JSON.stringify([await world.inner.load(job.id), world.kv.entries()]);
    for (const secret of ['canary', receipt.requestKey]) expect(lying).not.toContain(secret);
  });

  test('name unknown words of the prompt to who may read it, until it is gone', async () => {
    const world = openSealed();
    const warnings = [
      { code: 'unknown_words', words: ['canary', 'Wüstenfuchs'] },
      { code: 'prompt_truncated', tokens: 41, maxTokens: 37 },
    ] as const;
    const at = { status: 'in_progress', attempt: 1 } as const;
    const jobs = [ofPerson(makeRunningJob({ subject: person.id })), makeRunningJob()];
    await world.store.create(jobs[0]!);
    await world.inner.create(jobs[1]!); // from before sealing
    for (const { id } of jobs) {
      const done = await world.store.transition(id, at, { status: 'completed', warnings });
      expect(done?.warnings).toEqual(warnings);
      expect((await world.store.load(id))?.warnings).toEqual(warnings);
    }
    const lying = JSON.stringify(await Promise.all(jobs.map(({ id }) => world.inner.load(id))));
    for (const word of ['canary', 'Wüstenfuchs']) expect(lying).not.toContain(word);
    await destroyKey(world, person);
    world.time.nowMs += sealLimits.keyKeptMs;
    const [erased, other] = await Promise.all(jobs.map(({ id }) => world.store.load(id)));
    expect([erased!.erased, erased!.warnings, other!.warnings]).toEqual([true, [], warnings]);
  });

  test('what serves the queue asks for no key and gives no prompt', async () => {
    const world = openSealed();
    for (let n = 0; n < 20; n++) await world.store.create(ofPerson({ tenant: `t${n}`, subject: null }));
    const other = openSealed(master, world.kv);
    const heads = await other.sealing.store(world.inner).listQueueHeads(Number.MAX_SAFE_INTEGER, 100);
    expect(heads).toHaveLength(20);
    expect([other.calls.get, heads.map(({ request }) => request.prompt).join('')]).toEqual([0, '']);
  });

  test('a key is looked at once in twenty seconds, whatever is made and read meanwhile', async () => {
    const world = openSealed();
    for (let n = 0; n < 50; n++) {
      const job = ofPerson({ subject: null });
      await world.store.create(job);
      await world.store.load(job.id);
      if (n === 0) world.calls.get = 0;
    }
    expect(world.calls.get).toBeLessThanOrEqual(1);
    world.time.nowMs += sealLimits.keyKeptMs;
    await world.store.list('acme', { limit: 50, order: 'asc' });
    expect(world.calls.get).toBeLessThanOrEqual(2);
  });

  test('of a person whose key is destroyed read without prompts, here at once and elsewhere after twenty seconds', async () => {
    const world = openSealed();
    const job = ofPerson({ ...makeRunningJob({ subject: person.id }), receipt });
    await world.store.create(job);
    await world.store.load(job.id);
    await destroyKey(world, person);
    expect(await openSealed(master, world.kv).sealing.store(world.inner).load(job.id)).toMatchObject({ erased: true });
    expect((await world.store.load(job.id))?.request.prompt).toBe('canary red');
    world.time.nowMs += sealLimits.keyKeptMs;
    const read = await world.store.load(job.id);
    expect(read).toMatchObject({ erased: true, sealed: null, request: { prompt: '', negative_prompt: '' } });
    expect(await world.store.transition(job.id, { status: 'in_progress', attempt: 1 }, { failures: 1 })).toMatchObject({
      erased: true,
      failures: 1,
    });
  });

  test('a new one of an erased person is refused, and removed where it came before this process could know', async () => {
    const world = openSealed();
    const before = ofPerson();
    await world.store.create(before);
    await world.store.load(before.id);
    await destroyKey(world, person);
    const late = ofPerson();
    await expect(world.store.create(late)).rejects.toThrow('erased on request');
    expect(await world.inner.load(late.id)).toMatchObject({ status: 'cancelled', outbox: [] });
    expect((await world.inner.load(late.id))?.deletedAtMs).not.toBeNull();
    world.time.nowMs += sealLimits.keyKeptMs;
    const later = ofPerson();
    await expect(world.store.create(later)).rejects.toThrow('erased on request');
    expect(await world.inner.load(later.id)).toBeUndefined();
  });

  test('from before sealing read as they lie', async () => {
    const world = openSealed();
    const job = makeJob();
    await world.inner.create(job);
    expect(await world.store.load(job.id)).toEqual(job);
  });

  test('do not open with another master key, and the sealing says which it needs', async () => {
    const world = openSealed();
    const job = makeJob();
    await world.store.create(job);
    await world.sealing.check();
    const other = openSealed(Buffer.alloc(32, 8), world.kv);
    await expect(other.sealing.check()).rejects.toThrow('master-key: this is not the master key');
    const theirs = other.sealing.store(world.inner);
    await expect(theirs.load(job.id)).rejects.toThrow('does not open');
    await expect(theirs.list('acme', { limit: 9, order: 'asc' })).rejects.toThrow('does not open');
  });

  test('a damaged one hides no other from its tenant, and no worker takes it for one without a prompt', async () => {
    const world = openSealed();
    const [whole, other] = [ofPerson(), ofPerson()];
    for (const job of [whole, other]) await world.store.create(job);
    const damaged = { ...ofPerson(), sealed: (await world.inner.load(other.id))!.sealed };
    await world.inner.create(damaged);
    const { jobs } = await world.store.list('acme', { limit: 9, order: 'asc' });
    expect(jobs.filter(({ erased }) => erased).map(({ id }) => id)).toEqual([damaged.id]);
    expect(await world.store.get(damaged.id, 'acme')).toMatchObject({ erased: true, sealed: null });
    await expect(world.store.load(damaged.id)).rejects.toMatchObject({ code: 'internal' });
  });
});

describe('bytes', () => {
  const key = `${referenceFolder({ tenant: 'acme', id: 'video_1' }, 'aa')}input.png`;
  const saved = checkpointKey({ tenant: 'acme', id: 'video_1' }, 1, 4);
  const bytes = Buffer.from('canary picture '.repeat(5_000));
  const options = { contentType: 'image/png', sealFor: person };
  const readAll = async (blobs: World['blobs'], at: string, range?: { start: number; end: number }) => {
    const body = await blobs.get(at, range);
    const parts: Uint8Array[] = [];
    for await (const part of body?.stream ?? []) parts.push(part);
    return body && { bytes: body.bytes, read: Buffer.concat(parts) };
  };

  test.each([key, saved])('%s lies sealed and reads as it was put, whole and in part', async at => {
    const { blobs, innerBlobs } = openSealed();
    expect((await blobs.put(at, bytes, options)).bytes).toBe(bytes.length);
    expect(await readAll(blobs, at)).toEqual({ bytes: bytes.length, read: bytes });
    expect((await readAll(blobs, at, { start: 7, end: 13 }))?.read.toString()).toBe('picture');
    expect((await readAll(innerBlobs, at))?.read.includes('canary')).toBe(false);
  });

  test('of an erased person read as not there, and new ones are refused', async () => {
    const world = openSealed();
    await world.blobs.put(key, bytes, options);
    await destroyKey(world, person);
    world.time.nowMs += sealLimits.keyKeptMs;
    expect(await world.blobs.get(key)).toBeUndefined();
    await expect(world.blobs.put(key, bytes, options)).rejects.toThrow('erased on request');
  });

  test('that were changed or put elsewhere do not read as what was put', async () => {
    const { blobs, innerBlobs } = openSealed();
    await blobs.put(key, bytes, options);
    const sealed = (await readAll(innerBlobs, key))!.read;
    const elsewhere = key.replace('video_1', 'video_2');
    await innerBlobs.put(elsewhere, sealed, options);
    sealed[sealed.length - 20]! ^= 1;
    await innerBlobs.put(key, sealed, options);
    for (const at of [key, elsewhere]) expect((await readAll(blobs, at))?.read.equals(bytes)).toBe(false);
  });

  test('without a person lie as they are, and those from before sealing read so', async () => {
    const { blobs, innerBlobs } = openSealed();
    await innerBlobs.put(key, bytes, options);
    expect((await readAll(blobs, key))?.read).toEqual(bytes);
    await blobs.put('videos/acme/video_1/attempt=1/video.mp4', bytes, { contentType: 'video/mp4' });
    expect((await readAll(innerBlobs, 'videos/acme/video_1/attempt=1/video.mp4'))?.read).toEqual(bytes);
    await expect(blobs.put('videos/acme/video_1/attempt=1/video.mp4', bytes, options)).rejects.toThrow(
      'not for sealed',
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { expire } from '#core/jobs/expire.ts';
import { failJob } from '#core/jobs/lease.ts';
import { edit, remix } from '#core/jobs/remix.ts';
import { type SubmitOptions, type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { sweeps } from '#core/jobs/sweeps.ts';
import { limits } from '#core/limits.ts';
import type { Upload } from '#core/references/read-reference.ts';
import { finishJob } from '#test/drop/drop-world.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { type LocalBench, openLocalBench } from '../local-bench.ts';
import { ALL_TASKS, CARD } from '../model-card.ts';

const PNG = await makeImage('png');
const OTHER = await makeImage('png', 20, 20);
const MP4 = await makeMp4(16, 8);
/** The video with a box behind it that says nothing. */
const padded = (bytes: number) => {
  const file = Buffer.alloc(MP4.length + bytes);
  file.set(MP4);
  file.writeUInt32BE(bytes, MP4.length);
  file.write('free', MP4.length + 4, 'latin1');
  return file;
};
const upload = (bytes: Uint8Array): Upload => ({ file: true, bytes, contentType: '' });

let bench: LocalBench;
let ports: SubmitPorts;
beforeEach(async () => {
  bench = await openLocalBench();
  ports = { ...bench.ports, models: [ALL_TASKS, CARD] };
});
afterEach(() => bench.close());

const send = (file: Uint8Array, options: SubmitOptions = {}, tenant = 'acme') =>
  submit(ports, tenant, { prompt: 'it moves', input_reference: upload(file) }, options);
const isThere = async (job: Job) => (await ports.blobs.head(job.request.reference!.key)) !== undefined;
const notes = () => ports.kv.listDue('reference', Number.MAX_SAFE_INTEGER, 100);
const sweepAll = async () => {
  for (const sweep of Object.values(sweeps)) await sweep(ports);
};

describe('a reference', () => {
  test('is in the store, whole, before the record that names it', async () => {
    const create: SubmitPorts['store']['create'] = async job => {
      expect((await ports.blobs.get(job.request.reference!.key))?.bytes).toBe(PNG.length);
      return bench.ports.store.create(job);
    };
    const watched = { ...ports, store: { ...ports.store, create } };
    const job = await submit(watched, 'acme', { prompt: 'x', input_reference: upload(PNG) });
    expect((await bench.job(job.id)).request).toMatchObject({
      task: 'i2v',
      reference: { sha256: ports.sha256(PNG), bytes: PNG.length, contentType: 'image/png' },
    });
  });

  test('lies under its tenant and its job, and no other job’s goes with it', async () => {
    const [mine, theirs] = [await send(PNG), await send(PNG, {}, 'rival')];
    expect(mine.request.reference?.key).toMatch(new RegExp(`^references/acme/${mine.id}/[0-9a-f]{16}/input.png$`));
    await deleteJob(ports, 'acme', mine.id);
    expect(await expire(ports)).toBe(1);
    expect([await isThere(mine), await isThere(theirs)]).toEqual([false, true]);
  });

  test('stays while its job lives, whatever sweeps, and goes with the record', async () => {
    const job = await send(PNG);
    bench.time.nowMs += limits.referenceGraceMs + 1;
    await sweepAll();
    expect([await isThere(job), (await notes()).length]).toEqual([true, 0]);
    const leased = (await bench.lease())!;
    await failJob(ports, leased, { code: 'render_failed', message: 'no' });
    await sweepAll();
    expect(await isThere(job)).toBe(true);
    bench.time.nowMs += limits.artifactDays * 86_400_000;
    await sweepAll();
    expect([await ports.store.load(job.id), await isThere(job)]).toEqual([undefined, false]);
  });

  test('of a request that was refused was never stored', async () => {
    const full = { ...ports, maxQueuedJobs: 0 };
    const input = { prompt: 'x', input_reference: upload(PNG) };
    await expect(submit(full, 'acme', input)).rejects.toMatchObject({ code: 'queue_full' });
    await expect(submit(ports, 'acme', { ...input, seed: -1 })).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await notes()).toEqual([]);
  });

  test('whose job could not be made is swept after its grace, and not before', async () => {
    let key = '';
    const create = async (job: Job) => {
      key = job.request.reference!.key;
      throw new ReelayError('store_unavailable', 'gone');
    };
    const broken = { ...ports, store: { ...ports.store, create } };
    await expect(submit(broken, 'acme', { prompt: 'x', input_reference: upload(PNG) })).rejects.toThrow('gone');
    await sweepAll();
    expect(await ports.blobs.head(key)).toBeDefined();
    bench.time.nowMs += limits.referenceGraceMs;
    await sweepAll();
    expect([await ports.blobs.head(key), (await notes()).length]).toEqual([undefined, 0]);
  });

  test('whose job was made although nobody heard of it is kept', async () => {
    const create = async (job: Job) => {
      await bench.ports.store.create(job);
      throw new ReelayError('store_unavailable', 'the answer was lost');
    };
    const broken = { ...ports, store: { ...ports.store, create } };
    const options = { idempotencyKey: 'k' };
    await expect(
      submit(broken, 'acme', { prompt: 'it moves', input_reference: upload(PNG) }, options),
    ).rejects.toThrow();
    bench.time.nowMs += limits.referenceGraceMs;
    await sweepAll();
    expect(await isThere(await send(PNG, options))).toBe(true);
  });
});

describe('the same request sent again', () => {
  test('is the same job only with the same bytes', async () => {
    const first = await send(PNG, { idempotencyKey: 'k' });
    expect((await send(PNG, { idempotencyKey: 'k' })).id).toBe(first.id);
    await expect(send(OTHER, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    const blind = await send(PNG, { retryCount: 0 });
    expect((await send(PNG, { retryCount: 1 })).id).toBe(blind.id);
    expect((await send(OTHER, { retryCount: 1 })).id).not.toBe(blind.id);
  });

  test('by many at once is one job with one file, and what the others stored is swept', async () => {
    const jobs = await Promise.all(Array.from({ length: 8 }, () => send(PNG, { idempotencyKey: 'k' })));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    const stored = (await notes()).map(({ name }) => name);
    bench.time.nowMs += limits.referenceGraceMs;
    await sweepAll();
    const left = [];
    for (const folder of stored) if ((await ports.blobs.head(`${folder}input.png`)) !== undefined) left.push(folder);
    expect(left).toEqual([jobs[0]!.request.reference!.key.replace('input.png', '')]);
  });

  test('finds a job of before there were references, and fingerprints had no key, by its key', async () => {
    const space = 'idempotency/acme';
    const first = await submit(ports, 'acme', { prompt: 'x', model: 'mini', seed: 1 }, { idempotencyKey: 'k' });
    const entry = (await ports.kv.get(space, 'k'))!;
    const { task: _, residency: __, ...request } = first.request;
    const said = (value: object) => Object.entries(value).filter(([, one]) => one !== null); // what came later is null here
    const sorted = (value: object) => Object.fromEntries(said(value).sort(([a], [b]) => (a < b ? -1 : 1)));
    const terms = { deadlineAtMs: null, priority: 'normal', request: sorted(request), webhookUrl: null };
    const value = { ...(entry.value as object), fingerprint: ports.sha256(JSON.stringify(terms)) };
    expect(value).not.toEqual(entry.value);
    await ports.kv.put({ ...entry, value });
    const again = (seed: number) =>
      submit(ports, 'acme', { prompt: 'x', model: 'mini', seed }, { idempotencyKey: 'k' });
    expect((await again(1)).id).toBe(first.id);
    await expect(again(2)).rejects.toThrow('used with a different request');
  });
});

describe('a job from another', () => {
  const finish = async (job: Job) => {
    await finishJob(ports, job);
    return bench.job(job.id);
  };

  test('whose reference is damaged in the store is refused for good, and holds up no redrive', async () => {
    const [damaged, whole] = [await send(PNG), await send(PNG)];
    const done = await finish(await send(PNG));
    for (let k = 0; k < 2; k++) await failJob(ports, (await bench.lease())!, { code: 'render_failed', message: 'no' });
    for (const { request } of [damaged, done])
      await ports.blobs.put(
        request.reference!.key,
        PNG.map(byte => byte ^ 1),
        { contentType: 'image/png' },
      );
    const refused = { code: 'invalid_reference', retryable: false };
    await expect(remix(ports, 'acme', done.id, { prompt: 'b' }, {})).rejects.toMatchObject(refused);
    await ports.blobs.put(done.request.reference!.key, PNG.subarray(0, 9), { contentType: 'image/png' });
    await expect(remix(ports, 'acme', done.id, { prompt: 'b' }, {})).rejects.toMatchObject(refused);
    const { jobs, dropped } = await redrive(ports, { limit: 10, pace: async () => undefined });
    expect([[...jobs.keys()], [...dropped]]).toEqual([
      [whole.id],
      [[damaged.id, 'The file to start from is damaged in the store; send it again.']],
    ]);
  });

  test('whose reference comes cut off may try again', async () => {
    const done = await finish(await send(PNG));
    const get: SubmitPorts['blobs']['get'] = async () => ({ bytes: PNG.length, etag: '', stream: halfOf(PNG) });
    const slow = { ...ports, blobs: { ...ports.blobs, get } };
    const cut = remix(slow, 'acme', done.id, { prompt: 'b' }, {});
    await expect(cut).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
  });

  async function* halfOf(bytes: Uint8Array) {
    yield bytes.subarray(0, bytes.length / 2);
  }

  test('that died has its own copy of the reference', async () => {
    const dead = await send(PNG);
    await failJob(ports, (await bench.lease())!, { code: 'render_failed', message: 'no' });
    const { jobs } = await redrive(ports, { limit: 10, pace: async () => undefined });
    const made = jobs.get(dead.id)!;
    expect(made.request).toMatchObject({
      task: 'i2v',
      reference: { sha256: ports.sha256(PNG) },
      seed: dead.request.seed,
    });
    await deleteJob(ports, 'acme', dead.id);
    await expire(ports);
    expect([await isThere(dead), await isThere(made)]).toEqual([false, true]);
  });

  test('as a remix has its settings, seed and reference under another prompt', async () => {
    const input = {
      prompt: 'a',
      input_reference: upload(MP4),
      strength: 0.4,
      num_inference_steps: 7,
      metadata: { a: 'b' },
    };
    const source = await finish(await submit(ports, 'acme', input));
    const made = await remix(ports, 'acme', source.id, { prompt: 'b' }, {});
    const { reference, prompt, metadata, ...settings } = made.request;
    expect(settings).toEqual((({ reference: _, prompt: __, metadata: ___, ...rest }) => rest)(source.request));
    expect([prompt, metadata, made.remixOf]).toEqual(['b', {}, source.id]);
    expect(reference?.sha256).toBe(source.request.reference?.sha256);
    expect(reference?.key).toContain(made.id);
  });

  test('as an edit starts from its video, in its size and length', async () => {
    const input = { prompt: 'a', size: '128x256', fps: 4 };
    const source = await submit(ports, 'acme', input);
    const done = await finishWith(source, MP4);
    const made = await edit(ports, 'acme', { prompt: 'b', video: { id: done.id }, seconds: 1 }, {});
    expect(made.request).toMatchObject({
      task: 'v2v',
      size: '128x256',
      fps: 16,
      reference: { sha256: ports.sha256(MP4) },
    });
    const uploaded = await edit(ports, 'acme', { prompt: 'b', video: upload(MP4) }, {});
    expect(uploaded.request).toMatchObject({ task: 'v2v', size: '256x256', strength: 0.8 });
  });

  test('takes no more memory than is set aside, however many ask for it at once', async () => {
    const source = await finishWith(await submit(ports, 'acme', { prompt: 'a' }), padded(20_000_000));
    let [loaded, most] = [0, 0];
    const get: SubmitPorts['blobs']['get'] = async key => {
      most = Math.max(most, ++loaded);
      return bench.ports.blobs.get(key);
    };
    const put: SubmitPorts['blobs']['put'] = async (...blob) => {
      loaded--;
      return bench.ports.blobs.put(...blob);
    };
    const watched = { ...ports, blobs: { ...ports.blobs, get, put } };
    const again = () => edit(watched, 'acme', { prompt: 'b', video: { id: source.id } }, {});
    const ended = await Promise.allSettled(Array.from({ length: 12 }, again));
    const refused = ended.filter(one => one.status === 'rejected').map(({ reason }) => reason.code);
    expect([most, refused]).toEqual([3, Array(9).fill('queue_full')]);
    expect((await again()).request.task).toBe('v2v'); // what ended, refused or not, takes nothing any more
    const large = { ...source.artifacts.video!, bytes: limits.maxReferenceVideoBytes + 1 };
    const expected = { status: source.status, attempt: source.attempt };
    await ports.store.transition(source.id, expected, { artifacts: { ...source.artifacts, video: large } });
    const calls = loaded;
    await expect(again()).rejects.toThrow('video[id]: it has 33554433 bytes; a video may have 33554432.');
    expect(loaded).toBe(calls);
  });

  test('is another job under the same key where only the source differs', async () => {
    const input = { prompt: 'a', seed: 1 };
    const [one, two] = [
      await finish(await submit(ports, 'acme', input)),
      await finish(await submit(ports, 'acme', input)),
    ];
    const options = { idempotencyKey: 'k' };
    const made = await remix(ports, 'acme', one.id, { prompt: 'b' }, options);
    expect((await remix(ports, 'acme', one.id, { prompt: 'b' }, options)).id).toBe(made.id);
    const other = remix(ports, 'acme', two.id, { prompt: 'b' }, options);
    await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('is found by its key when its source was deleted since, and not by another request', async () => {
    const source = await finishWith(await submit(ports, 'acme', { prompt: 'a', input_reference: upload(PNG) }), MP4);
    const makers = [
      (prompt: string) => remix(ports, 'acme', source.id, { prompt }, { idempotencyKey: 'r' }),
      (prompt: string) => edit(ports, 'acme', { prompt, video: { id: source.id } }, { idempotencyKey: 'e' }),
    ];
    const made = [];
    for (const make of makers) made.push((await make('b')).id);
    await deleteJob(ports, 'acme', source.id);
    expect((await Promise.all(makers.map(make => make('b')))).map(({ id }) => id)).toEqual(made);
    for (const make of makers) await expect(make('c')).rejects.toMatchObject({ code: 'not_found' });
    for (const id of made) await deleteJob(ports, 'acme', id);
    for (const make of makers) await expect(make('b')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('that is unknown, another tenant’s or not completed is refused', async () => {
    const waiting = await send(PNG);
    for (const id of ['video_nope', waiting.id])
      await expect(remix(ports, 'rival', id, { prompt: 'b' }, {})).rejects.toMatchObject({ code: 'not_found' });
    await expect(remix(ports, 'acme', waiting.id, { prompt: 'b' }, {})).rejects.toMatchObject({
      code: 'unsupported_operation',
      message: 'id: this video is queued; only a completed one can be used.',
    });
    await expect(edit(ports, 'acme', { prompt: 'b', video: { id: waiting.id } }, {})).rejects.toMatchObject({
      problems: [{ path: 'video[id]' }],
    });
  });

  test('takes nothing that it cannot mean', async () => {
    const source = await finish(await submit(ports, 'acme', { prompt: 'a' }));
    const wrong = remix(ports, 'acme', source.id, { prompt: 'b', seed: 1, input_reference: 'x' }, {});
    await expect(wrong).rejects.toMatchObject({ problems: [{ path: 'seed' }, { path: 'input_reference' }] });
    await expect(remix(ports, 'acme', source.id, { prompt: '' }, {})).rejects.toMatchObject({
      problems: [{ path: 'prompt' }],
    });
    const image = edit(ports, 'acme', { prompt: 'b', video: upload(PNG) }, {});
    await expect(image).rejects.toThrow('video: expected a video, got image/png.');
    await expect(edit(ports, 'acme', { prompt: 'b' }, {})).rejects.toThrow('video: expected a file, or video[id]');
    const twice = edit(ports, 'acme', { prompt: 'b', video: upload(MP4), image_reference: 'x' }, {});
    await expect(twice).rejects.toThrow('an edit takes its file as video');
  });

  test('as an edit needs a model that offers it', async () => {
    const one = { ...ports, models: [CARD] };
    await expect(edit(one, 'acme', { prompt: 'b', video: upload(MP4) }, {})).rejects.toMatchObject({
      code: 'unsupported_operation',
      message: 'edit: this takes a model that offers video-to-video; offered here: text-to-video.',
    });
  });

  /** Ends a job with these bytes as its video. */
  async function finishWith(job: Job, bytes: Uint8Array): Promise<Job> {
    const done = await finish(job);
    const { key, contentType } = done.artifacts.video!;
    await ports.blobs.put(key, bytes, { contentType });
    const video = { key, contentType, bytes: bytes.length, sha256: ports.sha256(bytes) };
    const { status, attempt } = done;
    return (await ports.store.transition(done.id, { status, attempt }, { artifacts: { ...done.artifacts, video } }))!;
  }
});

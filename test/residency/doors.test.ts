/** Every door takes `residency`, and what is made from a video stays where the video may be. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edit, remix } from '#core/jobs/remix.ts';
import { submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { Upload } from '#core/references/read-reference.ts';
import { sweepReferences } from '#core/references/store-reference.ts';
import { createRecordVerifier } from '#functions/record-verifier.ts';
import { createHttpServer } from '#local/http-server.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { ALL_TASKS } from '#test/core/model-card.ts';
import { finishJob, openDropWorld, until } from '#test/drop/drop-world.ts';
import { keyIsTenant } from '#test/functions/key-is-tenant.ts';
import { makeImage, makeMp4 } from '#test/media/make-media.ts';
import { openEnclaveWorld } from './enclave-world.ts';

let world: Awaited<ReturnType<typeof openEnclaveWorld>>;
let server: Server;
let openai: OpenAI;
const MP4 = await makeMp4(16, 8);
const PNG: Upload = { file: true, bytes: await makeImage('png'), contentType: '' };

beforeAll(async () => {
  world = await openEnclaveWorld([ALL_TASKS]);
  const deps = {
    ...world.door,
    webhooks: world.enclaves.get('standard')!.webhooks,
    ...keyIsTenant,
    verifier: createRecordVerifier({ ...world.door, modelOf: () => undefined }),
    canStream: true,
    sleep: (ms: number) => new Promise<void>(done => setTimeout(done, ms)),
    log: () => undefined,
    describe: async () => ({}),
  };
  server = createHttpServer(deps, noStaticFiles).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  openai = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'acme', maxRetries: 0 });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await world.close();
});

/** Completes a job with a real video. */
async function finished(id: string) {
  await finishJob(world.door, await world.job(id));
  const job = await world.job(id);
  const { key } = job.artifacts.video!;
  await world.door.blobs.put(key, MP4, { contentType: 'video/mp4' });
  const video = { ...job.artifacts.video!, bytes: MP4.length, sha256: world.door.sha256(MP4) };
  // An ended record does not change any more: what is looked up is the store's answer with these bytes.
  const { store } = world.door;
  const patched = async (wanted: string, tenant: string) => {
    const found = await store.get(wanted, tenant);
    return found?.id === id ? { ...found, artifacts: { ...found.artifacts, video } } : found;
  };
  return { job, ports: { ...world.door, store: { ...store, get: patched } } };
}

describe('over HTTP', () => {
  test('the openai client asks for a class in an extra field, and finds, lists, cancels and deletes the video', async () => {
    const ids: string[] = [];
    for (const residency of ['sovereign', 'standard', 'sovereign', undefined]) {
      const made = await openai.videos.create({ prompt: 'x', residency } as never);
      expect(made).toMatchObject({ status: 'queued', residency: residency ?? 'standard' });
      ids.push(made.id);
    }
    const listed: string[] = [];
    for await (const video of openai.videos.list({ limit: 1 })) listed.push(video.id);
    expect(listed).toEqual(ids.toReversed());
    expect(await openai.videos.retrieve(ids[0]!)).toMatchObject({ id: ids[0], residency: 'sovereign' });
    await finishJob(world.door, await world.job(ids[0]!));
    expect((await (await openai.videos.downloadContent(ids[0]!)).arrayBuffer()).byteLength).toBeGreaterThan(10);
    expect(await openai.videos.delete(ids[0]!)).toMatchObject({ deleted: true });
    await expect(openai.videos.retrieve(ids[0]!)).rejects.toMatchObject({ status: 404 });
    const unknown = await openai.videos.create({ prompt: 'x', residency: 'eu' } as never).catch(error => error);
    expect(unknown).toMatchObject({ status: 400, param: 'residency' });
  });

  test('a class that nobody may serve is answered 422 with that code', async () => {
    const { classes, servedPlaces } = world.door;
    const only = servedPlaces.filter(({ site }) => site === 'cloud');
    const asked = submit({ ...world.door, classes, servedPlaces: only }, 'acme', {
      prompt: 'x',
      residency: 'sovereign',
    });
    await expect(asked).rejects.toMatchObject({ code: 'residency_unsatisfiable', retryable: false });
  });
});

describe('what is made from a video', () => {
  test('by a remix is of its class, with its reference in the same enclave', async () => {
    const fields = { prompt: 'a', residency: 'sovereign', input_reference: PNG };
    const source = await submit(world.door, 'acme', fields);
    const { ports } = await finished(source.id);
    const made = await remix(ports, 'acme', source.id, { prompt: 'b' }, {});
    expect([made.id, made.request.residency]).toEqual([expect.stringMatching(/^video_sovereign_/), 'sovereign']);
    const { key } = made.request.reference!;
    expect(await world.enclaves.get('standard')!.blobs.head(key)).toBeUndefined();
    expect(await world.enclaves.get('sovereign')!.blobs.head(key)).toBeDefined();
    await expect(remix(ports, 'acme', source.id, { prompt: 'b', residency: 'standard' }, {})).rejects.toMatchObject({
      problems: [{ path: 'residency' }],
    });
  });

  test('by an edit stays within its class, and may be narrower', async () => {
    const inside = await finished((await world.submit('acme', 'sovereign')).id);
    const outside = await finished((await world.submit('acme', 'standard')).id);
    const editOf = ({ job, ports }: typeof inside, residency?: string) =>
      edit(ports, 'acme', { prompt: 'b', video: { id: job.id }, ...(residency && { residency }) }, {});
    expect((await editOf(inside)).request.residency).toBe('sovereign');
    await expect(editOf(inside, 'standard')).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'residency: got "standard"; this video is "sovereign", and what is made from it stays within that.',
    });
    const unsaid = { prompt: 'b', video: { id: inside.job.id }, residency: undefined };
    expect((await edit(inside.ports, 'acme', unsaid, {})).request.residency).toBe('sovereign');
    const nothing = { prompt: 'b', video: { id: inside.job.id }, residency: null };
    await expect(edit(inside.ports, 'acme', nothing, {})).rejects.toMatchObject({ problems: [{ path: 'residency' }] });
    await expect(editOf(inside, 'eu')).rejects.toThrow('this server knows standard, sovereign');
    expect((await editOf(outside)).request.residency).toBe('standard');
    expect((await editOf(outside, 'sovereign')).request).toMatchObject({ residency: 'sovereign', task: 'v2v' });
  });

  test('a reference that no job came to have is removed by the sweep of its own class alone', async () => {
    const { blobs, kv } = world.door;
    const refusing = { ...world.door.store, create: () => Promise.reject(new Error('out')) };
    const fields = { prompt: 'a', residency: 'sovereign', input_reference: PNG };
    const later = Date.now() + limits.referenceGraceMs + 60_000;
    const notes = async () => (await kv.listDue('reference', later, 100)).map(({ name }) => name);
    const before = await notes();
    await expect(submit({ ...world.door, store: refusing }, 'acme', fields)).rejects.toThrow('out');
    const folder = (await notes()).find(name => !before.includes(name))!;
    const left = async () => (await blobs.head(`${folder}input.png`)) !== undefined;
    const sweep = (enclave: string) =>
      sweepReferences({ ...world.enclaves.get(enclave)!, kv, now: () => later, enclave });
    expect(await left()).toBe(true);
    await sweep('standard');
    expect(await left()).toBe(true);
    await sweep('sovereign');
    expect(await left()).toBe(false);
  });

  test('notes of a class that is not open any more hide no others from the sweep, however many they are', async () => {
    const { kv, blobs } = world.door;
    const dueAtMs = Date.now();
    const note = (jobId: string) => {
      const name = `references/acme/${jobId}/1/`;
      return { space: 'reference/acme', name, value: { jobId }, expiresAtMs: null, dueAtMs };
    };
    for (let n = 0; n < limits.sweepBatch; n++) await kv.put(note(`video_gone_0${String(n).padStart(25, '0')}`));
    const orphan = { ...note(`video_${'1'.repeat(26)}`), dueAtMs: dueAtMs + 1 };
    await kv.put(orphan);
    await blobs.put(`${orphan.name}input.png`, PNG.bytes, { contentType: 'image/png' });
    let nowMs = dueAtMs + limits.referenceGraceMs + 60_000;
    for (let sweeps = 0; sweeps < 2; sweeps++, nowMs += 60_000)
      await sweepReferences({ ...world.enclaves.get('standard')!, kv, now: () => nowMs, enclave: 'standard' });
    expect(await blobs.head(`${orphan.name}input.png`)).toBeUndefined();
    expect(await kv.get('reference/acme', note(`video_gone_0${'0'.repeat(25)}`).name)).toBeDefined();
  });
});

test('the drop folder takes it in a request, and refuses what its own place may not keep', async () => {
  const drop = openDropWorld();
  try {
    const { standard } = drop.ports.classes;
    await drop.start();
    drop.put('inside.json', JSON.stringify({ prompt: 'x', residency: 'sovereign' }));
    drop.put('wrong.json', JSON.stringify({ prompt: 'x', residency: 'eu' }));
    await until(drop.inFolder, names => names.length === 0);
    const { jobs } = await drop.ports.store.list('local', { limit: 9, order: 'asc' });
    expect(jobs.map(job => job.request.residency)).toEqual(['sovereign']);
    await drop.start({ classes: { standard: standard! } });
    drop.put('shared.json', JSON.stringify({ prompt: 'y', residency: 'sovereign' }));
    await until(drop.inFolder, names => names.length === 0);
    expect((await drop.ports.store.list('local', { limit: 9, order: 'asc' })).jobs).toHaveLength(1);
    const reasons = (await drop.outcomes()).map(({ source, outcome }) => [source.name, outcome]);
    expect(Object.fromEntries(reasons)).toMatchObject({ 'wrong.json': 'rejected', 'shared.json': 'rejected' });
  } finally {
    await drop.close();
  }
});

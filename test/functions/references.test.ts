import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { ALL_TASKS, CARD } from '#test/core/model-card.ts';
import { makeImage, makeMp4, makeWebm } from '#test/media/make-media.ts';
import { type CardServer, startCardServer } from './card-server.ts';

const PNG = await makeImage('png');
const JPEG = await makeImage('jpeg');
const MP4 = await makeMp4(16, 8);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const dataUrl = (bytes: Uint8Array, type: string) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

let server: CardServer;
let openai: OpenAI;
beforeAll(async () => {
  server = await startCardServer([CARD, ALL_TASKS]);
  openai = server.client();
});
afterAll(() => server.close());

/** Fields and answers that the client's types do not know pass through it untouched. */
const create = async (fields: Record<string, unknown>) =>
  (await openai.videos.create({ prompt: 'it moves', ...fields } as never)) as any;
const storedOf = async (id: string) => {
  const { reference } = (await server.deps.store.load(id))!.request;
  const blob = await server.deps.blobs.get(reference!.key);
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob!.stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

describe('the unmodified openai client', () => {
  test('uploads an image as input_reference, and its bytes wait in the store', async () => {
    const video = await create({ input_reference: await toFile(PNG, 'star.png', { type: 'image/png' }), seconds: '2' });
    expect(video).toMatchObject({
      status: 'queued',
      model: 'mini-all',
      task: 'i2v',
      strength: null,
      reference: { content_type: 'image/png', bytes: PNG.length, sha256: sha256(PNG) },
    });
    expect(await storedOf(video.id)).toEqual(PNG);
    expect(JSON.stringify(await openai.videos.retrieve(video.id))).not.toContain('references/');
  });

  test('uploads without saying the type, and from a stream of the disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-upload-'));
    await writeFile(join(folder, 'star.png'), PNG);
    const plain = await create({ input_reference: await toFile(PNG, 'star.png') });
    const streamed = await create({ input_reference: createReadStream(join(folder, 'star.png')) });
    for (const { reference } of [plain, streamed]) expect(reference.sha256).toBe(sha256(PNG));
    await rm(folder, { recursive: true });
  });

  test('sends a file part without any type, as curl and hand-made bodies do', async () => {
    const head = '--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\ncontent-disposition: form-data; name=';
    const end = '\r\n--bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb--\r\n';
    const file = Buffer.concat([Buffer.from(`${head}"input_reference"; filename="a"\r\n\r\n`), PNG, Buffer.from(end)]);
    const body = Buffer.concat([Buffer.from(`${head}"prompt"\r\n\r\nx\r\n`), file]);
    const headers = { 'content-type': 'multipart/form-data; boundary=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' };
    const answer = await server.call('POST', '/v1/videos', { body, headers });
    expect([answer.status, answer.body.reference?.sha256]).toEqual([200, sha256(PNG)]);
  });

  test('sends a data URL in input_reference[image_url]', async () => {
    const video = await create({ input_reference: { image_url: dataUrl(JPEG, 'image/jpeg') } });
    expect(video).toMatchObject({ task: 'i2v', reference: { content_type: 'image/jpeg', sha256: sha256(JPEG) } });
  });

  test('uploads a video, which is video-to-video with a strength', async () => {
    const video = await create({
      input_reference: await toFile(MP4, 'clip.mp4', { type: 'video/mp4' }),
      strength: 0.5,
    });
    expect(video).toMatchObject({ task: 'v2v', strength: 0.5, reference: { content_type: 'video/mp4' } });
    const webm = await create({ video_reference: await toFile(await makeWebm(), 'clip.webm', { type: 'video/webm' }) });
    expect(webm).toMatchObject({ task: 'v2v', strength: 0.8, reference: { content_type: 'video/webm' } });
  });

  test('gets a BadRequestError with the wire path for what cannot be a reference', async () => {
    const refused = async (fields: Record<string, unknown>) => {
      const error = await create(fields).catch(e => e);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      return [error.code, error.param];
    };
    expect(await refused({ input_reference: { file_id: 'file-1' } })).toEqual([
      'invalid_request',
      'input_reference[file_id]',
    ]);
    expect(await refused({ input_reference: { image_url: 'https://example.com/a.png' } })).toEqual([
      'invalid_request',
      'input_reference[image_url]',
    ]);
    expect(await refused({ input_reference: await toFile(PNG, 'a.jpg', { type: 'image/jpeg' }) })).toEqual([
      'invalid_request',
      'input_reference',
    ]);
    expect(await refused({ model: 'mini', input_reference: await toFile(PNG, 'a.png') })).toEqual([
      'unsupported_operation',
      'input_reference',
    ]);
    expect(await refused({ strength: 0.5 })).toEqual(['invalid_request', 'strength']);
  });

  test('remixes a completed video: settings, seed and reference stay, the prompt is new', async () => {
    const source = await create({ input_reference: await toFile(PNG, 'a.png'), seed: 7, num_inference_steps: 3 });
    const early = await openai.videos.remix(source.id, { prompt: 'faster' }).catch(e => e);
    expect(early).toMatchObject({ status: 400, code: 'unsupported_operation', param: 'id' });
    await server.finish();
    const remixed = (await openai.videos.remix(source.id, { prompt: 'faster' })) as any;
    expect(remixed).toMatchObject({
      ...{ status: 'queued', prompt: 'faster', remixed_from_video_id: source.id, seed: 7, num_inference_steps: 3 },
      ...{ task: 'i2v', reference: source.reference, model: 'mini-all' },
    });
    expect(await storedOf(remixed.id)).toEqual(PNG);
    const unknown = await openai.videos.remix(`video_${'0'.repeat(26)}`, { prompt: 'x' }).catch(e => e);
    expect(unknown).toBeInstanceOf(OpenAI.NotFoundError);
    const theirs = await server
      .client('rival')
      .videos.remix(source.id, { prompt: 'x' })
      .catch(e => e);
    expect(theirs).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('edits an uploaded video, and a completed one by its id', async () => {
    const uploaded = (await openai.videos.edit({ prompt: 'in snow', video: await toFile(MP4, 'a.mp4') })) as any;
    expect(uploaded).toMatchObject({ task: 'v2v', model: 'mini-all', reference: { sha256: sha256(MP4) } });
    const source = await create({ seed: 7, size: '128x256' });
    await server.finish();
    const { artifacts } = (await server.deps.store.load(source.id))!;
    await server.deps.blobs.put(artifacts.video!.key, MP4, { contentType: 'video/mp4' });
    const lost = await openai.videos.edit({ prompt: 'in snow', video: { id: source.id } }).catch(e => e);
    expect([lost.status, lost.code]).toEqual([422, 'invalid_reference']); // other bytes than the record says
    expect(lost.headers.get('x-should-retry')).toBe('false');
    const video = { ...artifacts.video!, bytes: MP4.length, sha256: sha256(MP4) };
    const expected = { status: 'completed', attempt: 1 } as const;
    await server.deps.store.transition(source.id, expected, { artifacts: { ...artifacts, video } });
    const edited = (await openai.videos.edit({ prompt: 'in snow', video: { id: source.id } })) as any;
    expect(edited).toMatchObject({ task: 'v2v', size: '128x256', seconds: '2', remixed_from_video_id: null });
    const image = await openai.videos.edit({ prompt: 'x', video: await toFile(PNG, 'a.png') }).catch(e => e);
    expect(image).toMatchObject({ status: 400, param: 'video' });
  });

  test('is told that videos are not extended, and does not ask again', async () => {
    const error = await openai.videos
      .extend({ prompt: 'on', seconds: '4', video: { id: `video_${'0'.repeat(26)}` } })
      .catch(e => e);
    expect(error).toMatchObject({ status: 400, code: 'unsupported_operation' });
    expect(error.headers.get('x-should-retry')).toBe('false');
  });
});

describe('a body', () => {
  test('in JSON brings a data URL that is larger than other JSON may be', async () => {
    const noise = Buffer.concat([PNG.subarray(0, PNG.length - 12), chunk(2_000_000), PNG.subarray(PNG.length - 12)]);
    const answer = await server.post('/v1/videos', {
      prompt: 'x',
      input_reference: { image_url: dataUrl(noise, 'image/png') },
    });
    expect([answer.status, answer.body.reference?.bytes]).toEqual([200, noise.length]);
    const beside = {
      prompt: 'x',
      metadata: { a: 'y'.repeat(limits.maxBodyBytes) },
      input_reference: dataUrl(PNG, 'image/png'),
    };
    expect((await server.post('/v1/videos', beside)).status).toBe(413);
    const huge = { prompt: 'x', input_reference: dataUrl(Buffer.alloc(limits.maxMultipartBytes), 'image/png') };
    expect((await server.post('/v1/videos', huge)).status).toBe(413);
  });

  test('that is refused leaves no bytes behind', async () => {
    const before = (await server.deps.kv.listDue('reference', Number.MAX_SAFE_INTEGER, 1_000)).length;
    for (const fields of [{ seed: -1 }, { model: 'mini' }, { size: '1x1' }])
      await server.post('/v1/videos', { prompt: 'x', input_reference: dataUrl(PNG, 'image/png'), ...fields });
    expect(await server.deps.kv.listDue('reference', Number.MAX_SAFE_INTEGER, 1_000)).toHaveLength(before);
  });

  test('in multipart may send the JSON of an object, and no part twice', async () => {
    const form = new FormData();
    form.append('prompt', 'x');
    form.append('image_reference', JSON.stringify({ image_url: dataUrl(PNG, 'image/png') }));
    expect((await server.call('POST', '/v1/videos', { body: form })).body.task).toBe('i2v');
    form.append('image_reference', new File([new Uint8Array(PNG)], 'a.png', { type: 'image/png' }));
    const twice = await server.call('POST', '/v1/videos', { body: form });
    expect([twice.status, twice.body.error.param]).toEqual([400, 'image_reference']);
  });

  /** A PNG chunk that no decoder looks into. */
  function chunk(length: number): Buffer {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(length);
    head.write('priV', 4, 'latin1');
    return Buffer.concat([head, Buffer.alloc(length + 4, 7)]);
  }
});

describe('what the models say', () => {
  test('names their tasks', async () => {
    const { body } = await server.call('GET', '/v1/videos/models');
    expect(body.data.map((model: any) => model.tasks)).toEqual([['t2v'], ['t2v', 'i2v', 'v2v']]);
  });
});

describe('a server whose models know text alone', () => {
  let textOnly: CardServer;
  beforeAll(async () => {
    textOnly = await startCardServer([CARD]);
  });
  afterAll(() => textOnly.close());

  test('refuses a picture, a video and an edit with what it offers', async () => {
    const local = textOnly.client();
    const refused = async (call: Promise<unknown>) => {
      const error = (await call.catch(e => e)) as InstanceType<typeof OpenAI.APIError>;
      return [error.status, error.code, error.message.replace(/^400 /, '')];
    };
    const input_reference = await toFile(PNG, 'a.png');
    expect(await refused(local.videos.create({ prompt: 'x', input_reference }))).toEqual([
      400,
      'unsupported_operation',
      'input_reference: got image/png, which asks for image-to-video; mini offers text-to-video.',
    ]);
    const video = await toFile(MP4, 'a.mp4');
    expect(await refused(local.videos.create({ prompt: 'x', input_reference: video }))).toEqual([
      400,
      'unsupported_operation',
      'input_reference: got video/mp4, which asks for video-to-video; mini offers text-to-video.',
    ]);
    expect(await refused(local.videos.edit({ prompt: 'x', video }))).toEqual([
      400,
      'unsupported_operation',
      'edit: this takes a model that offers video-to-video; offered here: text-to-video.',
    ]);
    expect((await textOnly.call('GET', '/v1/videos')).body.data).toEqual([]);
  });
});

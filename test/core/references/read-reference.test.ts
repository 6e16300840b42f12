import { beforeAll, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { ModelCatalog } from '#core/models.ts';
import type { Upload } from '#core/references/read-reference.ts';
import { parseSubmission } from '#core/video-request.ts';
import { ownPlace } from '#test/core/places.ts';
import { makeImage, makeMp4, makeWebm } from '#test/media/make-media.ts';
import { ALL_TASKS, CARD } from '../model-card.ts';

const files: Record<'png' | 'jpeg' | 'webp' | 'mp4' | 'webm', Uint8Array> = {} as never;
beforeAll(async () => {
  for (const kind of ['png', 'jpeg', 'webp'] as const) files[kind] = await makeImage(kind);
  files.mp4 = await makeMp4(16, 8);
  files.webm = await makeWebm(16, 8);
});

const parse = (fields: Record<string, unknown>, catalog: ModelCatalog = [ALL_TASKS]) =>
  parseSubmission({ prompt: 'it moves', ...fields }, catalog, {
    seed: 1,
    nowMs: 0,
    checkUrl: () => undefined,
    residency: ownPlace,
  });
const upload = (bytes: Uint8Array, contentType = ''): Upload => ({ file: true, bytes, contentType });
const dataUrl = (bytes: Uint8Array, type: string) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

function refusal(fields: Record<string, unknown>, catalog?: ModelCatalog): ReelayError {
  try {
    parse(fields, catalog);
  } catch (error) {
    if (error instanceof ReelayError) return error;
    throw error;
  }
  throw new Error('accepted');
}

describe('what a request starts from', () => {
  test.each([
    ['png', 'i2v', 'image/png'],
    ['jpeg', 'i2v', 'image/jpeg'],
    ['webp', 'i2v', 'image/webp'],
    ['mp4', 'v2v', 'video/mp4'],
    ['webm', 'v2v', 'video/webm'],
  ] as const)('makes its task: a %s is %s', (kind, task, contentType) => {
    const { request, file } = parse({ input_reference: upload(files[kind], contentType) });
    expect(request).toMatchObject({ task, strength: task === 'v2v' ? 0.8 : null, reference: null });
    expect(file).toEqual({ path: 'input_reference', bytes: files[kind], contentType });
  });

  test('is nothing for text-to-video', () => {
    expect(parse({})).toMatchObject({ request: { task: 't2v', strength: null }, file: null });
  });

  test.each([
    ['as a text', () => ({ input_reference: dataUrl(files.png, 'image/png') }), 'input_reference'],
    [
      'in an object',
      () => ({ input_reference: { image_url: dataUrl(files.png, 'image/png') } }),
      'input_reference[image_url]',
    ],
    [
      'without a type',
      () => ({ image_reference: { image_url: dataUrl(files.png, '') } }),
      'image_reference[image_url]',
    ],
    [
      'in the JSON of an object, as multipart sends it',
      () => ({ image_reference: JSON.stringify({ image_url: dataUrl(files.png, 'image/png') }) }),
      'image_reference[image_url]',
    ],
  ])('comes as a data URL %s', (_name, fields, path) => {
    expect(parse(fields()).file).toEqual({ path, bytes: new Uint8Array(files.png), contentType: 'image/png' });
  });

  test('comes in JSON that is longer than any other may be, its slashes escaped or not', () => {
    const bytes = Buffer.concat([files.png, Buffer.alloc(1_000_000, 0xff)]);
    const json = JSON.stringify({ image_url: dataUrl(bytes, 'image/png') });
    expect(json.length).toBeGreaterThan(limits.maxBodyBytes);
    for (const text of [json, ` ${json.replaceAll('/', '\\/')}\n`]) {
      const { file } = parse({ input_reference: text });
      expect([file?.path, Buffer.compare(file!.bytes, bytes)]).toEqual(['input_reference[image_url]', 0]);
    }
  });

  test('comes as a video under the names of vLLM-Omni', () => {
    const video_reference = { video_url: dataUrl(files.mp4, 'video/mp4') };
    expect(parse({ video_reference, strength: '0.5' }).request).toMatchObject({ task: 'v2v', strength: 0.5 });
    expect(parse({ video_reference: upload(files.webm) }).request.task).toBe('v2v');
  });

  test.each(['', 'application/octet-stream', 'image/jpg', 'IMAGE/JPEG; charset=binary'])(
    'is believed by its bytes where its sender says %j',
    type => expect(parse({ input_reference: upload(files.jpeg, type) }).file?.contentType).toBe('image/jpeg'),
  );

  test('decides which model is meant where none is named: the first that offers it', () => {
    const catalog = [CARD, ALL_TASKS];
    expect(parse({}, catalog).request.model).toBe('mini');
    expect(parse({ input_reference: upload(files.png) }, catalog).request.model).toBe('mini-all');
    expect(refusal({ model: 'mini', input_reference: upload(files.png) }, catalog).code).toBe('unsupported_operation');
  });
});

describe('a task that the model does not offer', () => {
  test('is refused with those that it offers, whatever the file is like inside', () => {
    const error = refusal({ input_reference: upload(files.png.subarray(0, 20)) }, [CARD]);
    expect(error).toMatchObject({ code: 'unsupported_operation', problems: [{ path: 'input_reference' }] });
    expect(error.message).toBe(
      'input_reference: got image/png, which asks for image-to-video; mini offers text-to-video.',
    );
  });

  test('may be the one of a request without a file', () => {
    const only = { ...ALL_TASKS, tasks: ['i2v' as const] };
    expect(refusal({}, [only]).message).toBe(
      'input_reference: got nothing, which asks for text-to-video; mini-all offers image-to-video.',
    );
  });

  test('is told together with what else is wrong', () => {
    const error = refusal({ input_reference: upload(files.mp4), seed: -1 }, [CARD]);
    expect([error.code, ...error.problems.map(({ path }) => path)]).toEqual([
      'invalid_request',
      'seed',
      'input_reference',
    ]);
  });
});

describe('the strength', () => {
  const video = () => ({ input_reference: upload(files.mp4) });

  test('is the model’s own where the request says none', () => {
    const own = { ...ALL_TASKS, defaults: { ...ALL_TASKS.defaults, strength: 0.6 } };
    expect(parse(video(), [own]).request.strength).toBe(0.6);
  });

  test('belongs to video-to-video alone', () => {
    for (const start of [{}, { input_reference: upload(files.png) }])
      expect(refusal({ ...start, strength: 0.5 }).message).toContain('only video-to-video has one');
  });

  test('is 0 to 1 and leaves at least one step', () => {
    for (const strength of [-0.1, 1.01, 'much'])
      expect(refusal({ ...video(), strength }).problems.map(({ path }) => path)).toEqual(['strength']);
    expect(refusal({ ...video(), strength: 0.05 }).message).toContain('at least 0.084 is needed');
    expect(refusal({ ...video(), strength: 0 }).message).toContain('of 12 steps it leaves none');
    expect(parse({ ...video(), strength: 0.084 }).request.strength).toBe(0.084);
    expect(parse({ ...video(), strength: 1 }).request.strength).toBe(1);
  });
});

describe('is refused in words that name the field:', () => {
  test.each([
    ['an empty file', () => upload(new Uint8Array(0)), 'input_reference', 'got an empty file'],
    ['a text file', () => upload(Buffer.from('hello, this is no picture')), 'input_reference', 'PNG, JPEG or WebP'],
    ['a GIF', () => upload(Buffer.from('GIF89a')), 'input_reference', 'nothing that is taken'],
    ['an image under a false type', () => upload(files.png, 'image/jpeg'), 'input_reference', 'bytes are image/png'],
    ['a video under an image’s type', () => upload(files.mp4, 'image/png'), 'input_reference', 'bytes are video/mp4'],
    ['a cut file', () => upload(files.png.subarray(0, 60)), 'input_reference', 'cut off'],
    ['a file id', () => ({ file_id: 'file-1' }), 'input_reference[file_id]', 'keeps no files'],
    ['a URL', () => ({ image_url: 'https://example.com/a.png' }), 'input_reference[image_url]', 'fetches no URLs'],
    ['a plain URL', () => 'http://169.254.169.254/latest', 'input_reference', 'fetches no URLs'],
    [
      'a URL of the disk',
      () => ({ image_url: 'file:///etc/passwd' }),
      'input_reference[image_url]',
      'expected a data URL',
    ],
    ['a data URL of text', () => ({ image_url: 'data:text/plain,hello' }), 'input_reference[image_url]', 'with base64'],
    ['broken base64', () => 'data:image/png;base64,iVBO*w0KGgo', 'input_reference', 'a character that is none, at 4'],
    ['cut base64', () => 'data:image/png;base64,iVBOR', 'input_reference', 'cut off'],
    ['an empty data URL', () => 'data:image/png;base64,', 'input_reference', 'got an empty file'],
    ['a number', () => 7, 'input_reference', 'expected a file'],
    ['null', () => null, 'input_reference', 'expected a file'],
    ['a list', () => [], 'input_reference', 'expected a file'],
    ['an empty object', () => ({}), 'input_reference', 'one of image_url'],
    ['a forged file', () => ({ file: true, bytes: [1, 2, 3] }), 'input_reference', 'one of image_url'],
    ['a URL that is no text', () => ({ image_url: { url: 'x' } }), 'input_reference[image_url]', 'expected a data URL'],
    [
      'seven megabytes of brackets, without parsing them',
      () => `{"a":[${'{},'.repeat(2_400_000)}0]}`,
      'input_reference',
      'no data URL and no JSON with one alone',
    ],
    ['JSON of nothing', () => '{"image_url"', 'input_reference', 'neither a data URL nor JSON'],
  ] as [string, () => unknown, string, string][])('%s', (_name, value, path, sentence) => {
    const error = refusal({ input_reference: value() });
    expect(error.code).toBe('invalid_request');
    expect(error.problems.map(problem => problem.path)).toEqual([path]);
    expect(error.message).toContain(sentence);
  });

  test('a video where an image belongs, and the other way round', () => {
    expect(refusal({ image_reference: upload(files.mp4) }).message).toContain('expected an image, got video/mp4');
    expect(refusal({ video_reference: upload(files.png) }).message).toContain('expected a video, got image/png');
  });

  test('two files at once', () => {
    const both = { input_reference: upload(files.png), image_reference: upload(files.png) };
    expect(refusal(both).message).toBe(
      'image_reference: input_reference was sent too; a request starts from one file.',
    );
  });

  test('a video that is shorter than what is asked for', () => {
    const error = refusal({ input_reference: upload(files.mp4), seconds: 4 });
    expect(error.message).toBe(
      'input_reference: got 2.00 seconds of video and 16 frames at 4 a second are asked for; send a longer one.',
    );
  });
});

describe('a bomb', () => {
  test('is refused by what it promises, in no time', () => {
    const png = Buffer.from(files.png);
    png.writeUInt32BE(40_000, 16);
    png.writeUInt32BE(40_000, 20);
    const started = performance.now();
    expect(refusal({ input_reference: upload(png) }).message).toContain(`at most ${limits.maxReferencePixels} pixels`);
    expect(performance.now() - started).toBeLessThan(200);
  });

  test('of time or of frames is refused as well', () => {
    const long = Buffer.from(files.mp4);
    const header = long.indexOf('mdhd');
    long.writeUInt32BE(long.readUInt32BE(header + 16) * 3_600, header + 20);
    expect(refusal({ input_reference: upload(long) }).message).toContain('got 3600 seconds');
    const many = Buffer.from(files.mp4);
    many.writeUInt32BE(2_000_000_000, many.indexOf('stsz') + 12);
    expect(refusal({ input_reference: upload(many) }).message).toContain('got 2000000000 frames');
  });

  test('of bytes is refused before it is decoded', () => {
    const large = Buffer.concat([files.png, Buffer.alloc(limits.maxReferenceImageBytes)]);
    expect(refusal({ input_reference: upload(large) }).message).toContain('an image may have 7000000');
  });
});

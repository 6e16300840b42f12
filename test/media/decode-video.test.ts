import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BufferSource,
  BufferTarget,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MovOutputFormat,
  MP4,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from 'mediabunny';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMediaFacts } from '#core/references/media-facts.ts';
import { sniffMedia } from '#core/references/media-type.ts';
import { readReferenceVideo, type Wanted } from '#gpu-container/media/decode-video.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { resizeRgb } from '#gpu-container/media/resize.ts';
import { turnUpright } from '#gpu-container/media/turn.ts';
import { gradient, makeCoded, makeMp4, makeWebm } from './make-media.ts';
import { unmarked } from './unmarked.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-video-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(file: Uint8Array, wanted: Wanted): Promise<Uint8Array> {
  const path = join(folder, 'reference');
  await writeFile(path, file);
  return readReferenceVideo(path, wanted);
}

/** Of each frame which of the greys of make-media.ts it is; they are ten levels apart and limited range costs one. */
const indexes = (rgb: Uint8Array, { frames, width, height }: Wanted) =>
  Array.from({ length: frames }, (_, k) => Math.round((rgb[k * width * height * 3]! - 20) / 10));
const upTo = (count: number, of = (k: number) => k) => Array.from({ length: count }, (_, k) => of(k));
const small = { width: 16, height: 16 };
const farthest = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

/** The same packets under other times, in seconds, or to be turned. */
async function remux(
  file: Uint8Array,
  options: { times?: (k: number) => number; rotation?: 90 | 180 | 270 },
): Promise<Uint8Array> {
  using input = new Input({ formats: [MP4], source: new BufferSource(file) });
  const track = (await input.getPrimaryVideoTrack())!;
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const source = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(source, { rotation: options.rotation ?? 0 });
  await output.start();
  const decoderConfig = (await track.getDecoderConfig())!;
  let k = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const timestamp = options.times?.(k) ?? packet.timestamp;
    const next = options.times?.(k + 1) ?? timestamp + packet.duration;
    await source.add(
      packet.clone({ timestamp, duration: next - timestamp }),
      k++ === 0 ? { decoderConfig } : undefined,
    );
  }
  await output.finalize();
  return new Uint8Array(target.buffer!);
}

describe('a reference video', () => {
  test.each([
    ['MP4', makeMp4],
    ['WebM', makeWebm],
  ])('in %s gives each of its frames, at its rate', async (_name, make) => {
    const wanted = { ...small, frames: 16, fps: 8 };
    expect(indexes(await read(await make(16, 8), wanted), wanted)).toEqual(upTo(16));
  });

  test.each([
    ['VP8 in WebM', 'vp8', new WebMOutputFormat()],
    ['AV1 in WebM', 'av1', new WebMOutputFormat()],
    ['AV1 in MP4', 'av1', new Mp4OutputFormat()],
    ['HEVC in MP4', 'hevc', new Mp4OutputFormat()],
    ['HEVC in QuickTime', 'hevc', new MovOutputFormat()],
  ] as const)('may be %s', async (_name, codec, format) => {
    const shape = { frames: 6, fps: 8, width: 64, height: 64 };
    const file = await makeCoded(codec, format, shape);
    expect(readMediaFacts(file, sniffMedia(file)!)).toMatchObject({ width: 64, height: 64, seconds: 0.75 });
    expect(indexes(await read(file, shape), shape)).toEqual(upTo(6));
  });

  test('gives the nearest frame to each moment at another rate, the earlier of two', async () => {
    const file = await makeMp4(16, 8);
    const half = { ...small, frames: 8, fps: 4 };
    expect(indexes(await read(file, half), half)).toEqual(upTo(8, k => 2 * k));
    const twice = { ...small, frames: 31, fps: 16 };
    expect(indexes(await read(file, twice), twice)).toEqual(upTo(31, k => Math.floor(k / 2)));
    const third = { ...small, frames: 10, fps: 5 };
    expect(indexes(await read(file, third), third)).toEqual(upTo(10, k => Math.round(1.6 * k)));
  });

  test('gives its beginning where it is longer than what is asked for', async () => {
    const wanted = { ...small, frames: 5, fps: 8 };
    expect(indexes(await read(await makeMp4(40, 8), wanted), wanted)).toEqual(upTo(5));
  });

  test('of a varying rate is followed by its times and not by counting', async () => {
    const times = (k: number) => (k < 4 ? k / 16 : (k - 2) / 8);
    const file = await remux(await makeMp4(16, 8), { times });
    const wanted = { ...small, frames: 8, fps: 8 };
    expect(indexes(await read(file, wanted), wanted)).toEqual([0, 2, 4, 5, 6, 7, 8, 9]);
  });

  test('that begins late begins with its first frame', async () => {
    const file = await remux(await makeMp4(16, 8), { times: k => 0.5 + k / 8 });
    const wanted = { ...small, frames: 4, fps: 8 };
    expect(indexes(await read(file, wanted), wanted)).toEqual([0, 1, 2, 3]);
  });

  test('is given up between two frames when its caller wants no more', async () => {
    const path = join(folder, 'given-up');
    await writeFile(path, await makeMp4(16, 8));
    const stop = new Error('cancelled');
    let calls = 0;
    const checkpoint = async () => {
      if (++calls === 5) throw stop;
    };
    await expect(readReferenceVideo(path, { ...small, frames: 16, fps: 8 }, checkpoint)).rejects.toBe(stop);
    expect(calls).toBe(5);
  });

  test('that ends before the last moment is refused in words', async () => {
    const file = await makeMp4(8, 8);
    await expect(read(file, { ...small, frames: 16, fps: 8 })).rejects.toMatchObject({
      code: 'invalid_reference',
      retryable: false,
      message: expect.stringContaining('it ends before the 16 frames at 8 a second'),
    });
  });
});

describe('the pixels of a reference video', () => {
  const SIZE = { width: 64, height: 48 };
  const clip = (rgb: Uint8Array, size = SIZE) => encodeMp4({ rgb, frames: 1, ...size, fps: 8 }, unmarked);
  const one = (size: { width: number; height: number }) => ({ ...size, frames: 1, fps: 8 });

  test('have the colours that went in', async () => {
    const colours = [
      [149, 50, 40],
      [20, 160, 230],
      [250, 240, 10],
      [255, 255, 255],
      [0, 0, 0],
    ] as const;
    for (const colour of colours) {
      const flat = Uint8Array.from({ length: SIZE.width * SIZE.height * 3 }, (_, at) => colour[at % 3]!);
      const out = await read(await clip(flat), one(SIZE));
      expect({ colour, off: farthest(out, flat) <= 3 }).toEqual({ colour, off: true });
    }
  });

  test('lie where they were, also in a size that is no whole number of blocks', async () => {
    const size = { width: 70, height: 54 };
    const rgb = gradient(70, 54, 90);
    expect(farthest(await read(await clip(rgb, size), one(size)), rgb)).toBeLessThanOrEqual(12);
  });

  test('are stretched to the size that is asked for as those of an image', async () => {
    const file = await clip(gradient(64, 48, 90));
    const [own, other] = [await read(file, one(SIZE)), await read(file, one(small))];
    expect(other).toEqual(resizeRgb(own, SIZE, small));
  });

  test.each([90, 180, 270] as const)('are upright when the camera was turned by %d degrees', async rotation => {
    const file = await clip(gradient(64, 48, 90));
    const size = rotation === 180 ? SIZE : { width: 48, height: 64 };
    const plain = await read(file, one(SIZE));
    const turned = turnUpright({ ...SIZE, rgb: plain }, { degrees: rotation, mirrored: false });
    expect(await read(await remux(file, { rotation }), one(size))).toEqual(turned.rgb);
  });
});

test('a turned picture has its corners where a camera turned clockwise shows them', () => {
  // Two rows of three pixels, told by their red
  const picture = { width: 3, height: 2, rgb: Uint8Array.from([1, 2, 3, 4, 5, 6].flatMap(red => [red, 0, 0])) };
  const reds = (degrees: 0 | 90 | 180 | 270, mirrored: boolean) => {
    const { width, rgb } = turnUpright(picture, { degrees, mirrored });
    return [width, ...rgb.filter((_, at) => at % 3 === 0)];
  };
  expect(reds(0, false)).toEqual([3, 1, 2, 3, 4, 5, 6]);
  expect(reds(90, false)).toEqual([2, 4, 1, 5, 2, 6, 3]);
  expect(reds(180, false)).toEqual([3, 6, 5, 4, 3, 2, 1]);
  expect(reds(270, false)).toEqual([2, 3, 6, 2, 5, 1, 4]);
  expect(reds(0, true)).toEqual([3, 3, 2, 1, 6, 5, 4]);
  expect(reds(90, true)).toEqual([2, 1, 4, 2, 5, 3, 6]);
});

describe('a file that is no whole video', () => {
  const wanted = { ...small, frames: 16, fps: 8 };
  const refused = { code: 'invalid_reference', retryable: false };

  test('because it was cut off, emptied or is something else is refused in words', async () => {
    const whole = await makeMp4(16, 8);
    for (const file of [
      whole.subarray(0, 400),
      whole.subarray(0, whole.length - 60),
      new Uint8Array(0),
      Buffer.from('no video'),
    ])
      await expect(read(file, wanted)).rejects.toMatchObject(refused);
  });

  test('because its pictures are damaged is refused, or read as far as they can be, and never ends the process', async () => {
    const whole = await makeMp4(16, 8, 64, 64);
    const start = Buffer.from(whole).indexOf('mdat') + 8;
    let told = 0;
    for (let at = start; at < whole.length; at += Math.ceil((whole.length - start) / 12)) {
      const file = Buffer.from(whole);
      file.fill(0xa5, at, at + 20);
      const outcome = await read(file, wanted).then(
        rgb => rgb.length,
        error => error.code,
      );
      expect([small.width * small.height * 3 * 16, 'invalid_reference']).toContain(outcome);
      if (outcome === 'invalid_reference') told++;
    }
    expect(told).toBeGreaterThan(0);
  });
});

import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { readMediaFacts } from '#core/references/media-facts.ts';
import { type MediaType, sniffMedia } from '#core/references/media-type.ts';
import { gradient, makeImage, makeMp4, makeWebm } from '#test/media/make-media.ts';

const files: Record<string, Uint8Array> = {};
const factsOf = (bytes: Uint8Array) => readMediaFacts(bytes, sniffMedia(bytes)!);

beforeAll(async () => {
  const raw = { raw: { width: 24, height: 16, channels: 3 as const } };
  const image = () => sharp(gradient(24, 16), raw);
  files.png = await makeImage('png');
  files['interlaced png'] = await image().png({ progressive: true }).toBuffer();
  files.jpeg = await makeImage('jpeg');
  files['progressive jpeg'] = await image().jpeg({ progressive: true }).toBuffer();
  files['jpeg with exif and a turn'] = await image().withMetadata({ orientation: 6 }).jpeg().toBuffer();
  files['grey jpeg'] = await image().greyscale().jpeg().toBuffer();
  files['lossless webp'] = await makeImage('webp');
  files['lossy webp'] = await image().webp().toBuffer();
  files['webp with alpha'] = await image().ensureAlpha(0.5).webp().toBuffer();
  files.mp4 = await makeMp4(16, 8, 48, 32);
  files.webm = await makeWebm(16, 8, 48, 32);
});

const IMAGES = [
  ...['png', 'interlaced png', 'jpeg', 'progressive jpeg', 'jpeg with exif and a turn', 'grey jpeg'],
  ...['lossless webp', 'lossy webp', 'webp with alpha'],
];

describe('the headers of a file', () => {
  test.each(IMAGES)('say the size of a %s', name => {
    expect(factsOf(files[name]!)).toEqual({ width: 24, height: 16, seconds: null, frames: 1 });
  });

  test('say size and length of a video', () => {
    expect(factsOf(files.mp4!)).toEqual({ width: 48, height: 32, seconds: 2, frames: 16 });
    expect(factsOf(files.webm!)).toEqual({ width: 48, height: 32, seconds: 2, frames: null });
  });

  test('of an animated image are refused in words', async () => {
    const frames = { raw: { width: 8, height: 16, channels: 3 as const, pageHeight: 8 } };
    const animated = await sharp(gradient(8, 16), frames).webp().toBuffer();
    expect(factsOf(animated)).toContain('an animated image');
    const png = files.png!;
    const actl = Buffer.concat([png.subarray(0, 33), Buffer.from([0, 0, 0, 8]), Buffer.from('acTL'), Buffer.alloc(12)]);
    expect(factsOf(Buffer.concat([actl, png.subarray(33)]))).toContain('an animated image');
  });
});

describe('a file that was cut off', () => {
  test.each([...IMAGES, 'mp4', 'webm'])('anywhere is told from a whole one: %s', name => {
    const whole = files[name]!;
    for (let length = 12; length < whole.length; length += Math.max(1, Math.floor(whole.length / 97))) {
      const cut = whole.subarray(0, length);
      const type = sniffMedia(cut);
      if (type !== undefined)
        expect({ length, facts: typeof readMediaFacts(cut, type) }).toEqual({ length, facts: 'string' });
    }
    // The last byte is part of it, too.
    expect(typeof factsOf(whole.subarray(0, whole.length - 1))).toBe('string');
  });

  test('in its first bytes is no file at all, or a cut one, whatever it claims', () => {
    for (const type of ['image/png', 'image/jpeg', 'image/webp', 'video/mp4', 'video/webm'] as MediaType[])
      for (const whole of Object.values(files))
        for (let length = 0; length < 40; length++)
          expect(typeof readMediaFacts(whole.subarray(0, length), type)).toBe('string');
  });
});

describe('hostile headers', () => {
  test('that promise a huge picture are read and not obeyed', () => {
    const png = Buffer.from(files.png!);
    png.writeUInt32BE(0x7fffffff, 16);
    png.writeUInt32BE(0x7fffffff, 20);
    expect(factsOf(png)).toMatchObject({ width: 0x7fffffff });
  });

  test('of a picture without pixels are damaged ones', () => {
    const png = Buffer.from(files.png!);
    png.writeUInt32BE(0, 16);
    expect(factsOf(png)).toContain('damaged');
  });

  test('that count to nothing or run in a circle end', () => {
    const empty = Buffer.alloc(400_000);
    Buffer.from('\0\0\0\x10ftypisom\0\0\0\0').copy(empty);
    for (let at = 16; at + 8 <= empty.length; at += 8) empty.write('\0\0\0\x08free', at, 'latin1');
    expect(factsOf(empty)).toContain('damaged');
    const zeros = Buffer.concat([files.webm!.subarray(0, 60), Buffer.alloc(100_000)]);
    expect(typeof factsOf(zeros)).toBe('string');
  });

  test('with any byte changed are read in no time and never throw', () => {
    for (const [name, whole] of Object.entries(files)) {
      const type = sniffMedia(whole)!;
      const started = performance.now();
      for (let at = 0; at < Math.min(whole.length, 400); at++)
        for (const byte of [0, 0xff, 0x7f]) {
          const changed = Buffer.from(whole);
          changed[at] = byte;
          readMediaFacts(changed, type);
        }
      expect({ name, slow: performance.now() - started > 3_000 }).toEqual({ name, slow: false });
    }
  });
});

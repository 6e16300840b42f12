import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readReferenceImage } from '#gpu-container/media/decode-image.ts';
import { resizeRgb } from '#gpu-container/media/resize.ts';
import { gradient, makeImage } from './make-media.ts';

const SIZE = { width: 24, height: 16 };
const PICTURE = gradient(24, 16, 40);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-image-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(file: Uint8Array, size = SIZE): Promise<Uint8Array> {
  const path = join(folder, 'reference');
  await writeFile(path, file);
  return readReferenceImage(path, size);
}

const picture = () => sharp(PICTURE, { raw: { ...SIZE, channels: 3 } });
const farthest = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

describe('a reference image', () => {
  test.each(['png', 'webp'] as const)('comes out of a lossless %s as it went in', async kind => {
    expect(await read(await makeImage(kind))).toEqual(PICTURE);
  });

  test('comes out of a JPEG almost as it went in', async () => {
    const jpeg = await picture().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
    expect(farthest(await read(jpeg), PICTURE)).toBeLessThanOrEqual(8);
  });

  test('is stretched to the size that is asked for, as diffusers does it', async () => {
    const small = { width: 16, height: 16 };
    expect(await read(await makeImage('png'), small)).toEqual(resizeRgb(PICTURE, SIZE, small));
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('is upright however the camera was held: orientation %d', async orientation => {
    const { rgb, width, height } = asHeld(PICTURE, SIZE, orientation);
    const stored = sharp(rgb, { raw: { width, height, channels: 3 } });
    expect(await read(await stored.withMetadata({ orientation }).png().toBuffer())).toEqual(PICTURE);
  });

  test('with alpha loses it and keeps its colours, also where it cannot be seen', async () => {
    const see = await picture().ensureAlpha(0).png().toBuffer();
    expect(await read(see)).toEqual(PICTURE);
  });

  test.each([
    ['grey', () => picture().greyscale()],
    ['grey with alpha', () => picture().greyscale().ensureAlpha(0.5)],
    ['in a palette', () => picture().png({ palette: true, colours: 256 })],
    ['of 16 bits', () => picture().toColourspace('rgb16')],
  ] as [string, () => Sharp][])('that is %s becomes RGB', async (_name, make) => {
    expect((await read(await make().png().toBuffer())).length).toBe(PICTURE.length);
  });

  test('for print becomes RGB', async () => {
    expect((await read(await picture().toColourspace('cmyk').jpeg().toBuffer())).length).toBe(PICTURE.length);
  });
});

describe('a file that is no such image', () => {
  const refused = {
    code: 'invalid_reference',
    retryable: false,
    message: expect.stringContaining('cannot be decoded'),
  };

  test.each(['png', 'jpeg', 'webp'] as const)('because it was cut off is refused in words: %s', async kind => {
    const whole = await makeImage(kind, 64, 64);
    for (const part of [0.2, 0.5, 0.9])
      await expect(read(whole.subarray(0, Math.floor(whole.length * part)))).rejects.toMatchObject(refused);
  });

  test('because its pixels do not fit its checksum is refused', async () => {
    const png = Buffer.from(await makeImage('png', 64, 64));
    const at = png.indexOf('IDAT') + 20;
    png[at] = png[at]! ^ 0xff;
    await expect(read(png)).rejects.toMatchObject(refused);
  });

  test('but an SVG, a GIF or a TIFF never reaches their decoders', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16"><rect width="9" height="9"/></svg>',
    );
    for (const file of [svg, await picture().gif().toBuffer(), await picture().tiff().toBuffer(), Buffer.alloc(0)])
      await expect(read(file)).rejects.toMatchObject(refused);
  });

  test('but a bomb is refused before it is unpacked', async () => {
    const bomb = await sharp({ create: { width: 6_000, height: 5_600, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage().rss;
    await expect(read(bomb)).rejects.toMatchObject(refused);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });
});

/** The pixels that are stored of a picture which is upright when it is shown with this orientation (TIFF 6.0, tag 274). */
function asHeld(rgb: Uint8Array, { width, height }: typeof SIZE, orientation: number) {
  const [right, bottom] = [width - 1, height - 1];
  const turned = orientation > 4;
  const from = (x: number, y: number): readonly [number, number] =>
    [
      [x, y] as const,
      [right - x, y] as const,
      [right - x, bottom - y] as const,
      [x, bottom - y] as const,
      [y, x] as const,
      [right - y, x] as const,
      [right - y, bottom - x] as const,
      [y, bottom - x] as const,
    ][orientation - 1]!;
  const stored = { width: turned ? height : width, height: turned ? width : height };
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < stored.height; y++)
    for (let x = 0; x < stored.width; x++) {
      const [fromX, fromY] = from(x, y);
      const at = (fromY * width + fromX) * 3;
      out.set(rgb.subarray(at, at + 3), (y * stored.width + x) * 3);
    }
  return { ...stored, rgb: out };
}

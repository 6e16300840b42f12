import sharp from 'sharp';
import { expect, test } from 'vitest';
import { frameOf } from '#gpu-container/media/clip.ts';
import { encodeSpritesheet, sheetFrames } from '#gpu-container/media/spritesheet.ts';
import { encodeThumbnail, thumbnailFrame } from '#gpu-container/media/thumbnail.ts';
import { paint } from './clips.ts';

/** Frame t is one flat colour that tells t. */
const counting = (frames: number, width = 32, height = 16) =>
  paint(frames, width, height, 8, (_x, _y, t) => [10 + 12 * t, 100, 200 - 5 * t]);

test('the thumbnail is a WebP of the middle frame', async () => {
  const clip = counting(9);
  const file = await encodeThumbnail(frameOf(clip, thumbnailFrame(9)), clip);
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect((await sharp(file).metadata()).format).toBe('webp');
  expect([info.width, info.height]).toEqual([32, 16]);
  [58, 100, 180].forEach((level, i) => {
    expect(Math.abs(data[i]! - level)).toBeLessThanOrEqual(4);
  });
});

test('the sheet is a JPEG with the frames row by row', async () => {
  const file = await encodeSpritesheet(counting(16));
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  expect((await sharp(file).metadata()).format).toBe('jpeg');
  expect([info.width, info.height]).toEqual([128, 64]);
  for (let t = 0; t < 16; t++) {
    const at = ((Math.floor(t / 4) * 16 + 8) * 128 + (t % 4) * 32 + 16) * 3;
    expect(Math.abs(data[at]! - (10 + 12 * t)), `cell ${t}`).toBeLessThanOrEqual(3);
  }
});

test('a long clip shows sixteen frames with both ends, a short one all of them', async () => {
  expect(sheetFrames(3)).toEqual([0, 1, 2]);
  const shown = sheetFrames(81);
  expect([shown.length, shown[0], shown[15]]).toEqual([16, 0, 80]);
  const { info } = await sharp(await encodeSpritesheet(counting(5, 512, 256))).toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([3 * 256, 2 * 128]);
});

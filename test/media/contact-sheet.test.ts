import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodeContactSheet, encodePng, stripFrames } from '#gpu-container/media/contact-sheet.ts';

/** Frame t of clip k is plain: red 20·t, green 60·k. */
const plain = (k: number, frames: number) => ({
  ...{ frames, width: 8, height: 6 },
  rgb: Uint8Array.from({ length: frames * 8 * 6 * 3 }, (_, i) => [20 * Math.floor(i / 144), 60 * k, 0][i % 3]!),
});

test('a row shows evenly spread frames with both ends, or all of a short clip', () => {
  expect(stripFrames(25, 8)).toEqual([0, 3, 7, 10, 14, 17, 21, 24]);
  expect(stripFrames(3, 8)).toEqual([0, 1, 2]);
  expect(stripFrames(9, 1)).toEqual([0]);
});

test('a sheet has a row for each clip and time runs from left to right', async () => {
  const jpeg = await encodeContactSheet([plain(1, 9), plain(3, 9)], { columns: 3, cellWidth: 16 });
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([3 * 16 + 2 * 2, 2 * 12 + 2]);
  const middle = (column: number, row: number) => {
    const at = 3 * ((row * 14 + 6) * info.width + column * 18 + 8);
    return [data[at]!, data[at + 1]!];
  };
  for (const [column, frame] of [0, 4, 8].entries())
    for (const [row, clip] of [1, 3].entries()) {
      const [red, green] = middle(column, row);
      expect(Math.abs(red! - 20 * frame)).toBeLessThan(6);
      expect(Math.abs(green! - 60 * clip)).toBeLessThan(6);
    }
});

test('bytes that are no clip are refused, and so is no clip at all', async () => {
  const shape = { columns: 3, cellWidth: 16 };
  await expect(encodeContactSheet([{ ...plain(1, 2), frames: 3 }], shape)).rejects.toThrow('288 bytes are no 3 frames');
  await expect(encodeContactSheet([], shape)).rejects.toThrow('there is no clip');
});

test('a PNG holds every byte of its picture', async () => {
  const { rgb } = plain(2, 1);
  const { data } = await sharp(await encodePng(rgb, { width: 8, height: 6 }))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(new Uint8Array(data)).toEqual(rgb);
});

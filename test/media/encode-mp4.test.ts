import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { rgbToI420 } from '#gpu-container/media/color.ts';
import { canEncode, encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { boxesIn } from '#gpu-container/media/mp4-boxes.ts';
import { movingDisc, patches, type Rgb } from './clips.ts';
import { decodeMp4 } from './decode-mp4.ts';
import { unmarked } from './unmarked.ts';

const COLORS: Rgb[] = [
  [149, 49, 40],
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
  [0, 0, 0],
  [20, 30, 120],
  [250, 200, 40],
  [127, 127, 127],
];

describe('the MP4', () => {
  test('shows flat colours within 3 levels of what was painted, in every frame', async () => {
    const clip = patches(COLORS);
    const { frames } = await decodeMp4(await encodeMp4(clip, unmarked));
    const want = rgbToI420(clip.rgb.subarray(0, clip.width * clip.height * 3), clip.width, clip.height);
    const [cb, half] = [clip.width * clip.height, clip.width / 2];
    for (const frame of frames)
      COLORS.forEach((color, i) => {
        const [x, y] = [(i % 3) * 64 + 32, Math.floor(i / 3) * 64 + 32]; // a patch's middle
        const chroma = (y / 2) * half + x / 2;
        for (const at of [y * clip.width + x, cb + chroma, cb + cb / 4 + chroma])
          expect(Math.abs(frame[at]! - want[at]!), `${color} at ${at}`).toBeLessThanOrEqual(3);
      });
  });

  test.each([
    [16, 8],
    [5, 7],
    [24, 24],
    [1, 4],
  ])('has all of %i frames at a constant %i fps, a key frame first, and says BT.709 limited', async (frames, fps) => {
    const clip = await decodeMp4(await encodeMp4(movingDisc(frames, fps), unmarked));
    expect([clip.width, clip.height]).toEqual([128, 96]);
    expect(clip.frames.length).toBe(frames);
    expect(clip.duration).toBeCloseTo(frames / fps, 6);
    clip.timestamps.forEach((time, i) => {
      expect(time).toBeCloseTo(i / fps, 6);
    });
    expect(clip.keys[0]).toBe(true);
    expect(clip.codec).toMatch(/^avc1\.6400/); // High profile
    expect(clip.colorSpace).toMatchObject({ primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false });
  });

  test('starts with its index, carries no clock and a complete High profile configuration', async () => {
    const file = await encodeMp4(movingDisc(4, 8), unmarked);
    expect(boxesIn(file).map(box => box.type)).toEqual(['ftyp', 'moov', 'mdat']);
    const moov = boxesIn(file)[1]!;
    const trak = boxesIn(file, moov.from, moov.to).find(box => box.type === 'trak')!;
    const mdia = boxesIn(file, trak.from, trak.to).find(box => box.type === 'mdia')!;
    const timed = [moov, trak, mdia].flatMap(parent =>
      boxesIn(file, parent.from, parent.to).filter(box => ['mvhd', 'tkhd', 'mdhd'].includes(box.type)),
    );
    expect(timed.map(box => box.type)).toEqual(['mvhd', 'tkhd', 'mdhd']);
    for (const box of timed) expect([...file.subarray(box.from + 4, box.from + 12)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    const text = Buffer.from(file).toString('latin1');
    const avcC = text.indexOf('avcC');
    const size = Buffer.from(file).readUInt32BE(avcC - 4);
    expect([...file.subarray(avcC + size - 8, avcC + size - 4)]).toEqual([0xfd, 0xf8, 0xf8, 0]);
  });

  test('is the same bytes for the same frames', async () => {
    const first = await encodeMp4(movingDisc(16, 8), unmarked);
    await new Promise(resolve => setTimeout(resolve, 1100)); // the clock in seconds moves on
    expect(Buffer.compare(first, await encodeMp4(movingDisc(16, 8), unmarked))).toBe(0);
  });

  test('leaves nothing of itself in memory: whatever marked its frames is free once the file is there', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const encodeOne = async () => {
      const mark = () => void mark;
      await encodeMp4(movingDisc(4, 8), mark);
      return new WeakRef(mark);
    };
    const marks = [await encodeOne(), await encodeOne(), await encodeOne()];
    for (let tries = 0; tries < 20 && marks.some(mark => mark.deref() !== undefined); tries++) {
      await sleep(20);
      collect();
    }
    expect(marks.filter(mark => mark.deref() !== undefined)).toEqual([]);
  });

  test('is refused for odd sizes and for bytes that are not the clip', async () => {
    await expect(encodeMp4({ ...movingDisc(1, 8), width: 127 }, unmarked)).rejects.toThrow('even sizes');
    await expect(encodeMp4({ ...movingDisc(1, 8), frames: 2 }, unmarked)).rejects.toThrow('got 36864 bytes');
  });
});

test('the encoder can be probed', async () => {
  expect(await canEncode()).toBe(true);
});

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { agreement, encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import { type FrameSize, frameBytes } from '#gpu-container/provenance/watermark/i420.ts';
import { deriveKeyStream, type KeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import { openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { macOf, TEST_KEYS, TEST_MAC } from './keys.ts';
import { drawClip, KINDS, lumaPsnr } from './pictures.ts';

const TAG = 0x5eed01;
const message = sealPayload(TEST_MAC, { tag: TAG, nonce: 123_456_789 });
const SIZE = { width: 512, height: 288 };

function marked(frames: readonly Uint8Array[], size: FrameSize): Uint8Array[] {
  const marker = openMarker(TEST_KEYS, message, size);
  return frames.map(frame => {
    const copy = frame.slice();
    marker.embed(copy);
    return copy;
  });
}

function read(frames: readonly Uint8Array[], size: FrameSize, keys: KeyStream = TEST_KEYS) {
  const detector = openDetector(keys, size);
  for (const frame of frames) detector.add(frame);
  return detector.read()[0]!;
}

const agreeing = (bits: Uint8Array) => agreement(bits, encodeMessage(message));

describe('the watermark', () => {
  test.each(KINDS)('one frame of a %s clip carries the whole message, at 45 dB and more', kind => {
    const plain = drawClip(kind, 1, SIZE, 1);
    const frames = marked(plain, SIZE);
    const reading = read(frames, SIZE);
    expect(reading.message).toEqual(message);
    expect(openPayload(TEST_MAC, reading.message)).toEqual({ tag: TAG, nonce: 123_456_789 });
    expect(lumaPsnr(plain[0]!, frames[0]!, SIZE)).toBeGreaterThan(45);
  });

  test.each([
    [17, 33],
    [63, 65],
    [255, 257],
    [641, 361],
    [720, 1280],
  ])('a frame of %ix%i is marked, odd sides and all', (width, height) => {
    const size = { width, height };
    const frames = marked(drawClip('waves', 2, size, 1), size);
    const reading = read(frames, size);
    // Below the grid's own size several cells share a pixel: most bits are there, and not each.
    if (Math.min(width, height) >= 63) expect(reading.message).toEqual(message);
    else expect(agreeing(reading.bits)).toBeGreaterThan(64);
  });

  test('a clip without the mark, and a mark of another key, give no hit', () => {
    const other = deriveKeyStream(macOf('another key'));
    const clips = KINDS.flatMap(kind => [1, 2].map(seed => drawClip(kind, seed, { width: 128, height: 96 }, 2)));
    for (const clip of clips) {
      const size = { width: 128, height: 96 };
      for (const reading of [read(clip, size), read(marked(clip, size), size, other)]) {
        expect(openPayload(TEST_MAC, reading.message).tag).not.toBe(TAG);
        expect(agreeing(reading.bits)).toBeLessThan(92);
      }
    }
  });

  test('other contrast and brightness do not hide it, and the gain that was found tells the contrast', () => {
    const frames = marked(drawClip('photo', 3, SIZE, 2), SIZE);
    const changed = frames.map(frame =>
      frame.map((value, i) => (i < SIZE.width * SIZE.height ? Math.round(0.8 * (value - 16)) + 30 : value)),
    );
    const reading = read(changed, SIZE);
    expect(reading.message).toEqual(message);
    expect(reading.gains[0]).toBeCloseTo(0.8, 5);
  });

  test('a tint that turns the bits of plain chroma around does not hide it: luma is also read alone', () => {
    const [frame] = marked(drawClip('flat', 5, SIZE, 1), SIZE) as [Uint8Array];
    const luma = SIZE.width * SIZE.height;
    // half a step of U and V, in code values: a mean counts four cells, a third of its square
    const turned = frame.map((value, i) => (i < luma ? value : value + Math.round((18 / 2 / 4) * Math.sqrt(3))));
    const detector = openDetector(TEST_KEYS, SIZE);
    detector.add(turned);
    const readings = detector.read();
    expect(agreeing(readings[0]!.bits)).toBeLessThan(92);
    expect(readings.map(reading => reading.message)).toContainEqual(message);
  });

  test('the same frame gives the same bytes, whatever was marked before it', () => {
    const [first, second] = drawClip('texture', 4, SIZE, 2) as [Uint8Array, Uint8Array];
    const [, after] = marked([first, second], SIZE);
    const [alone] = marked([second], SIZE);
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(digest(after!)).toBe(digest(alone!));
  });

  test.each([
    [1, 1],
    [15, 512],
    [512, 15],
    [8193, 64],
    [1e9, 1e9],
    [64.5, 64],
    [Number.NaN, 64],
  ])('a frame of %sx%s is refused with a sentence', (width, height) => {
    const sentence = `got a frame of ${width}x${height}; whole numbers from 16 to 8192 a side are taken.`;
    expect(() => openMarker(TEST_KEYS, message, { width, height })).toThrow(sentence);
    expect(() => openDetector(TEST_KEYS, { width, height })).toThrow(sentence);
  });

  test('bytes that are no frame of the size, and a detector without a frame, are refused with a sentence', () => {
    const short = new Uint8Array(frameBytes(SIZE) - 1);
    expect(() => openMarker(TEST_KEYS, message, SIZE).embed(short)).toThrow('got 221183 bytes; an I420 frame');
    expect(() => openDetector(TEST_KEYS, SIZE).add(short)).toThrow('got 221183 bytes');
    expect(() => openDetector(TEST_KEYS, SIZE).read()).toThrow('got no frame');
  });
});

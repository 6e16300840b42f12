import { describe, expect, test } from 'vitest';
import { searchCrop, searchFrameIndices } from '#gpu-container/provenance/watermark/crop-search.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import { type FrameSize, frameBytes, planesOf } from '#gpu-container/provenance/watermark/i420.ts';
import { sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { TEST_KEYS, TEST_MAC } from './keys.ts';
import { drawClip, type Kind } from './pictures.ts';

const SIZE = { width: 320, height: 180 };
const message = sealPayload(TEST_MAC, { tag: 7, nonce: 11 });

/** The pixels from (left, top), both even. */
function cut(frame: Uint8Array, from: FrameSize, to: FrameSize, left: number, top: number): Uint8Array {
  const out = new Uint8Array(frameBytes(to));
  const [source, target] = [planesOf(frame, from), planesOf(out, to)];
  for (const [p, plane] of target.entries()) {
    const [x, y] = p === 0 ? [left, top] : [left / 2, top / 2];
    for (let row = 0; row < plane.height; row++) {
      const at = (y + row) * source[p]!.width + x;
      plane.bytes.set(source[p]!.bytes.subarray(at, at + plane.width), row * plane.width);
    }
  }
  return out;
}

function markedClip(kind: Kind): Uint8Array[] {
  const marker = openMarker(TEST_KEYS, message, SIZE);
  const frames = drawClip(kind, 9, SIZE, 3);
  for (const frame of frames) marker.embed(frame);
  return frames;
}

describe('the crop search', () => {
  test.each<[Kind, number, number, number]>([
    ['photo', 0.9, 18, 8],
    ['text', 0.75, 50, 26],
  ])('a crop of a %s clip to %f of each side is found and read', (kind, scale, left, top) => {
    const size = { width: 2 * Math.round(SIZE.width * scale * 0.5), height: 2 * Math.round(SIZE.height * scale * 0.5) };
    const frames = markedClip(kind).map(frame => cut(frame, SIZE, size, left, top));
    const found = searchCrop(TEST_KEYS, frames, size);
    const { geometry } = found.parts[0]!;
    const near = kind === 'photo' ? 1 / 128 : 1 / 32; // plain chroma is read from further off
    expect(Math.abs(geometry.scale - scale)).toBeLessThan(near);
    expect(Math.abs(geometry.x - left / SIZE.width)).toBeLessThan(near);
    expect(Math.abs(geometry.y - top / SIZE.height)).toBeLessThan(near);
    expect(found.tried).toBeGreaterThanOrEqual(9_264);
    const detector = openDetector(TEST_KEYS, size, geometry);
    for (const frame of frames) detector.add(frame);
    expect(detector.read().map(reading => reading.message)).toContainEqual(message);
  });

  test('a clip without the mark ends with a low score and another message', () => {
    const frames = drawClip('photo', 10, { width: 128, height: 96 }, 3);
    const found = searchCrop(TEST_KEYS, frames, { width: 128, height: 96 });
    for (const { geometry, score } of found.parts) {
      expect(score).toBeLessThan(6);
      const detector = openDetector(TEST_KEYS, { width: 128, height: 96 }, geometry);
      for (const frame of frames) detector.add(frame);
      for (const reading of detector.read()) expect(reading.message).not.toEqual(message);
    }
  });

  test('its frames are spread over the clip, and no frame is refused with a sentence', () => {
    expect(searchFrameIndices(30)).toEqual([5, 15, 25]);
    expect(searchFrameIndices(2)).toEqual([0, 1]);
    expect(() => searchCrop(TEST_KEYS, [], SIZE)).toThrow('got no frame');
  });
});

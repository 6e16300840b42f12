import { expect, test } from 'vitest';
import { rgbToI420 } from '#gpu-container/media/color.ts';

/** ITU-R BT.709-6, section 3, in real numbers: what the fixed point must round to, give or take one level. */
function exact([r, g, b]: readonly number[]): [number, number, number] {
  const luma = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return [16 + (219 * luma) / 255, 128 + (224 * (b! - luma)) / 1.8556 / 255, 128 + (224 * (r! - luma)) / 1.5748 / 255];
}

const flat = (color: readonly number[]) => rgbToI420(Uint8Array.from([...color, ...color, ...color, ...color]), 2, 2);

test('every colour of a coarse cube lands within 0.6 of BT.709 limited range', () => {
  for (let r = 0; r <= 255; r += 15)
    for (let g = 0; g <= 255; g += 15)
      for (let b = 0; b <= 255; b += 15) {
        const [, , , y, cb, cr] = flat([r, g, b]);
        const want = exact([r, g, b]);
        [y, cb, cr].forEach((value, i) => {
          expect(Math.abs(value! - want[i]!), `rgb ${r},${g},${b} plane ${i}`).toBeLessThan(0.6);
        });
      }
});

test('black is 16, white 235, and greys have no colour', () => {
  expect([...flat([0, 0, 0])]).toEqual([16, 16, 16, 16, 128, 128]);
  expect([...flat([255, 255, 255])]).toEqual([235, 235, 235, 235, 128, 128]);
  for (let grey = 0; grey <= 255; grey++) expect([...flat([grey, grey, grey]).subarray(4)]).toEqual([128, 128]);
});

test('chroma is the mean of its 2x2 block', () => {
  const planes = rgbToI420(Uint8Array.from([255, 0, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255]), 2, 2);
  const [, cb, cr] = exact([127.5, 63.75, 127.5]);
  expect(Math.abs(planes[4]! - cb)).toBeLessThan(0.6);
  expect(Math.abs(planes[5]! - cr)).toBeLessThan(0.6);
});

test('odd sizes and wrong lengths are refused', () => {
  expect(() => rgbToI420(new Uint8Array(27), 3, 3)).toThrow('even sizes');
  expect(() => rgbToI420(new Uint8Array(11), 2, 2)).toThrow('got 11 bytes');
});

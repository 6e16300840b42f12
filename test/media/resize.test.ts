import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type ResizeFilter, resizeRgb, type Size } from '#gpu-container/media/resize.ts';
import oracle from './fixtures/pillow-resize.json' with { type: 'json' };

/** As test/oracle/pillow-resize.py makes it. */
function picture({ width, height }: Size): Uint8Array {
  const values = new Uint8Array(width * height * 3);
  let state = (width * 65_537 + height) >>> 0;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const run = Math.floor(i / 48) % 5;
    values[i] = run === 0 ? 0 : run === 1 ? 255 : state >>> 24;
  }
  return values;
}

describe('a picture at another size', () => {
  test.each(oracle.cases)(
    'has the bytes that Pillow gives the models: $filter, $from to $to',
    ({ filter, from, to, sha256, first }) => {
      const resized = resizeRgb(picture(from), from, to, filter as ResizeFilter);
      expect([...resized.subarray(0, first.length)]).toEqual(first);
      expect(createHash('sha256').update(resized).digest('hex')).toBe(sha256);
    },
  );

  test('of its own size is itself', () => {
    const size = { width: 8, height: 6 };
    const rgb = picture(size);
    expect(resizeRgb(rgb, size, size)).toBe(rgb);
  });

  test('that is no RGB of its size is refused', () => {
    expect(() => resizeRgb(new Uint8Array(10), { width: 2, height: 2 }, { width: 1, height: 1 })).toThrow(RangeError);
  });
});

import { Mp4OutputFormat } from 'mediabunny';
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { isoFacts } from '#core/references/iso-headers.ts';
import { avcSequence, hevcSequence } from '#core/references/parameter-sets.ts';
import { makeCoded, makeMp4 } from '#test/media/make-media.ts';

/** A value in so many bits; a number alone is an unsigned exp-Golomb one. */
type Field = number | readonly [value: number, bits: number];

function bitsOf(fields: readonly Field[]): number[] {
  const bits = fields.flatMap(field => {
    const [value, count] = typeof field === 'number' ? [field + 1, 2 * Math.floor(Math.log2(field + 1)) + 1] : field;
    return Array.from({ length: count }, (_, at) => Math.floor(value / 2 ** (count - 1 - at)) % 2);
  });
  bits.push(1); // the stop bit
  while (bits.length % 8 !== 0) bits.push(0);
  return Array.from({ length: bits.length / 8 }, (_, at) =>
    Number.parseInt(bits.slice(at * 8, at * 8 + 8).join(''), 2),
  );
}

const highProfile = (chroma: number, depth: number, lists: Field[] = [[0, 1]]) =>
  [
    [0x67, 8],
    [100, 8],
    [0, 8],
    [51, 8],
    0,
    chroma,
    ...(chroma === 3 ? [[0, 1] as const] : []),
    depth,
    0,
    [0, 1],
    ...lists,
  ] as const;
const sizes = (width: number, height: number) => [0, 0, 0, 1, [0, 1], width / 16 - 1, height / 16 - 1, [1, 1]] as const;
const record = (set: number[]) =>
  Uint8Array.from([1, 100, 0, 51, 0xff, 0xe1, set.length >> 8, set.length & 0xff, ...set]);

describe('what a decoder will make room for', () => {
  test.each([
    [48, 32],
    [640, 368],
    [1920, 1088],
  ])('is read from what x264 writes: %d x %d', async (width, height) => {
    const file = await makeMp4(2, 8, width, height);
    expect(avcSequence(file.subarray(Buffer.from(file).indexOf('avcC') + 4))).toEqual({ width, height, bits: 8 });
  });

  test('is read from what x265 writes', async () => {
    const file = await makeCoded('hevc', new Mp4OutputFormat(), { frames: 2, fps: 8, width: 128, height: 80 });
    expect(hevcSequence(file.subarray(Buffer.from(file).indexOf('hvcC') + 4))).toEqual({
      width: 128,
      height: 80,
      bits: 8,
    });
  });

  test('is read behind scaling lists, full chroma, and the other kinds of picture order', () => {
    // A delta of -8, which is the number 16, makes the next scale 0: the list ends there.
    const lists = Array.from({ length: 12 }, (_, at): Field[] => (at % 3 === 0 ? [[1, 1], 16] : [[0, 1]])).flat();
    const behindLists = bitsOf([...highProfile(3, 2, [[1, 1], ...lists]), ...sizes(64, 32)]);
    expect(avcSequence(record(behindLists))).toEqual({ width: 64, height: 32, bits: 10 });
    const order1 = [0, 1, [0, 1], 0, 0, 2, 5, 6, 1, [0, 1], 3, 1, [1, 1]] as const;
    expect(avcSequence(record(bitsOf([...highProfile(1, 0), ...order1])))).toEqual({ width: 64, height: 32, bits: 8 });
    const baseline = [[0x67, 8], [66, 8], [0, 8], [30, 8], 0, 0, 2, 1, [0, 1], 3, 1, [0, 1]] as const;
    expect(avcSequence(record(bitsOf(baseline)))).toEqual({ width: 64, height: 64, bits: 8 }); // two fields
  });

  test('is nothing where there is no set, and nonsense ends', () => {
    expect(avcSequence(new Uint8Array(0))).toBeUndefined();
    expect(hevcSequence(new Uint8Array(40))).toBeUndefined();
    expect(() => avcSequence(record([0x67, 100, 0, 51, 0, 0, 0, 0]))).toThrow(RangeError);
  });
});

describe('a file whose container says less than its codec', () => {
  const withSet = async (set: number[]) => {
    const file = Buffer.from(await makeMp4(2, 8, 48, 32));
    const at = file.indexOf('avcC') + 4;
    const room = file.readUInt16BE(at + 6);
    expect(set.length).toBeLessThanOrEqual(room);
    Buffer.from([...set, ...new Array(room - set.length).fill(0)]).copy(file, at + 8);
    return isoFacts(file);
  };

  test('has the size of its codec: that is what would be allocated', async () => {
    const facts = await withSet(bitsOf([...highProfile(1, 0), ...sizes(16_384, 16_384)]));
    expect(facts).toMatchObject({ width: 16_384, height: 16_384 });
    expect(16_384 * 16_384).toBeGreaterThan(limits.maxReferenceFramePixels);
  });

  test('is refused when its colours have more than eight bits', async () => {
    expect(await withSet(bitsOf([...highProfile(1, 2), ...sizes(48, 32)]))).toContain('its colours have 10 bits (HDR)');
  });
});

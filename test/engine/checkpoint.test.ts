import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  type CheckpointState,
  decodeCheckpoint,
  encodeCheckpoint,
  MAX_CHECKPOINT_BYTES,
} from '#gpu-container/engine/checkpoint.ts';
import { crc32 } from '#gpu-container/engine/crc32.ts';
import { createTorchRng, restoreTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';

/** -0, signalling and quiet NaN with payloads, the least and the greatest subnormal, both infinities, 1, the greatest float. */
const HARD_WORDS = [
  ...[0x80000000, 0x7f800001, 0x7fc12345, 0xffc00001, 1, 0x007fffff, 0x807fffff],
  ...[0x7f800000, 0xff800000, 0x3f800000, 0x7f7fffff],
];
const hard = () => new Float32Array(Uint32Array.from(HARD_WORDS).buffer);
const bits = (array: Float32Array) => [...new Uint32Array(array.buffer, array.byteOffset, array.length)];

const STATE: CheckpointState = {
  bundleDigest: 'ab'.repeat(32),
  requestHash: '01'.repeat(32),
  step: 3,
  steps: 12,
  scheduler: {
    index: 3,
    sample: hard(),
    history: [Float32Array.of(1, 2, 3), hard(), new Float32Array(0)],
    scalars: { lower_order_nums: 2, 'λ "größe"': -0, tiny: 5e-324, nothing: Number.NaN, far: -Infinity, third: 1 / 3 },
  },
  rng: { ...createTorchRng(7).save(), position: 5, spare: -0 },
  cache: { lastInput: hard(), input: hard(), output: hard(), error: 1 / 3, rate: Number.NaN, skipped: 2 },
};

describe('a checkpoint', () => {
  test('gives back every bit of the state it was made of', () => {
    const back = decodeCheckpoint(encodeCheckpoint(STATE));
    expect(back).toEqual(STATE); // toEqual tells -0 from 0
    expect(bits(back.scheduler.sample)).toEqual(HARD_WORDS);
    expect(back.scheduler.history.map(bits)).toEqual(STATE.scheduler.history.map(bits));
    expect(Object.keys(back.scheduler.scalars)).toEqual(Object.keys(STATE.scheduler.scalars));
  });

  test('holds a run without generator, history and scalars, and one whose arrays are views into larger ones', () => {
    const wide = Float32Array.from({ length: 100 }, (_, i) => i);
    const scheduler = { index: 0, sample: wide.subarray(7, 10), history: [], scalars: {} };
    const plain = { ...STATE, step: 0, scheduler, rng: null, cache: null };
    const bytes = encodeCheckpoint(plain);
    expect(decodeCheckpoint(bytes)).toEqual({
      ...plain,
      scheduler: { ...scheduler, sample: Float32Array.of(7, 8, 9) },
    });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeCheckpoint(shifted.subarray(3))).toEqual(decodeCheckpoint(bytes));
  });

  test('is the same bytes for the same state, and shares no memory with them', () => {
    const bytes = encodeCheckpoint(STATE);
    expect(encodeCheckpoint(decodeCheckpoint(bytes))).toEqual(bytes);
    const back = decodeCheckpoint(bytes);
    bytes.fill(0);
    expect(bits(back.scheduler.sample)).toEqual(HARD_WORDS);
  });

  test.each([0, 1, 5, 16, 17, 1000])('lets the generator go on with the draws it would have made, after %i', drawn => {
    const rng = createTorchRng(99);
    rng.randn(drawn);
    const back = decodeCheckpoint(encodeCheckpoint({ ...STATE, rng: rng.save() })).rng!;
    const [here, there] = [rng, restoreTorchRng(back)].map(one => [one.randn(3), one.randn(700), one.randn(2)]);
    expect(there).toEqual(here);
  });
});

describe('what is no checkpoint is refused in words, never read as another state', () => {
  const bytes = encodeCheckpoint(STATE);
  const refusal = (change: (copy: Uint8Array) => Uint8Array) => () => {
    return decodeCheckpoint(change(bytes.slice()));
  };
  /** `bytes` with another header, checksum and header length made right. */
  const withHeader = (change: (header: any) => unknown) => () => {
    const from = bytes.slice(16, 16 + new DataView(bytes.buffer).getUint32(12, true));
    const text = JSON.stringify(change(JSON.parse(Buffer.from(from).toString())));
    const json = Buffer.from(
      text.replace(/[λöß]/g, letter => `\\u0${letter.charCodeAt(0).toString(16).padStart(3, '0')}`),
    );
    const body = bytes.slice(16 + from.length, -4);
    const made = Buffer.concat([bytes.slice(0, 16), json, body, Buffer.alloc(4)]);
    made.writeUInt32LE(json.length, 12);
    made.writeUInt32LE(crc32(made.subarray(0, -4)), made.length - 4);
    return decodeCheckpoint(made);
  };

  test('the helper of these tests makes a readable one when it changes nothing', () => {
    expect(withHeader(header => header)()).toEqual(STATE);
  });

  test('cut at every length', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeCheckpoint(bytes.subarray(0, length)), `${length} bytes`).toThrow(RangeError);
  });

  test('one bit flipped, anywhere', () => {
    for (let bit = 0; bit < 8 * bytes.length; bit++)
      expect(
        refusal(copy => copy.with(bit >> 3, copy[bit >> 3]! ^ (1 << (bit & 7)))),
        `bit ${bit}`,
      ).toThrow(RangeError);
  });

  test('bytes added, empty, other bytes, a later version', () => {
    expect(refusal(copy => Uint8Array.of(...copy, 0))).toThrow('damaged or cut short');
    expect(refusal(() => new Uint8Array(0))).toThrow('these bytes are none');
    expect(refusal(() => new Uint8Array(64).fill(0x41))).toThrow('these bytes are none');
    expect(refusal(copy => copy.with(8, 3))).toThrow('it is of version 3; this program reads 2');
  });

  test('larger than any real one', () => {
    const huge = { length: MAX_CHECKPOINT_BYTES + 1, buffer: bytes.buffer, byteOffset: 0, byteLength: 16 };
    expect(() => decodeCheckpoint(huge as unknown as Uint8Array)).toThrow('malformed: 1073741825 bytes');
  });

  test.each([
    ['null', () => null],
    ['a list', () => []],
    ['another digest', (header: object) => ({ ...header, bundleDigest: 'AB'.repeat(32) })],
    ['no hash', ({ requestHash: _, ...rest }: any) => rest],
    ['a name that is not ASCII', (header: any) => ({ ...header, scalars: header.scalars.with(0, 'é') })],
    ['a step past the last', (header: object) => ({ ...header, step: 13 })],
    ['half a step', (header: object) => ({ ...header, step: 2.5 })],
    ['a step that is text', (header: object) => ({ ...header, step: '3' })],
    ['an index below 0', (header: object) => ({ ...header, index: -1 })],
    ['a longer sample', (header: any) => ({ ...header, sample: header.sample + 1 })],
    ['a sample of no length', (header: object) => ({ ...header, sample: null })],
    ['less history', (header: any) => ({ ...header, history: header.history.slice(1) })],
    ['history without end', (header: object) => ({ ...header, history: new Array(17).fill(0) })],
    ['history of the largest size', (header: object) => ({ ...header, history: new Array(16).fill(2 ** 28) })],
    ['a scalar that is no name', (header: object) => ({ ...header, scalars: [1, 2, 3, 4, 5, 6] })],
    ['one name twice', (header: object) => ({ ...header, scalars: ['a', 'a', 'b', 'c', 'd', 'e'] })],
    ['a generator past its end', (header: object) => ({ ...header, rng: { position: 625, spare: true } })],
    ['a generator without spare', (header: object) => ({ ...header, rng: { position: 5, spare: false } })],
    ['no generator', (header: object) => ({ ...header, rng: null })],
    ['no word of a generator', ({ rng: _, ...rest }: any) => rest],
  ])('a well-made file whose header is wrong: %s', (_, change) => {
    expect(withHeader(change)).toThrow(RangeError);
    expect(withHeader(change)).toThrow('malformed');
  });

  test('nor is a state written that could not be read again', () => {
    const of = (change: Partial<CheckpointState>) => () => encodeCheckpoint({ ...STATE, ...change });
    expect(of({ step: 13 })).toThrow('step 13 of 12');
    expect(of({ requestHash: 'x' })).toThrow('sha256');
    expect(of({ rng: { ...STATE.rng!, words: new Uint32Array(3) } })).toThrow('a generator of 3 words');
    expect(of({ scheduler: { ...STATE.scheduler, history: new Array(17).fill(hard()) } })).toThrow('array lengths');
    const long = { ...STATE.scheduler, scalars: { ['é'.repeat(20_000)]: 1 } };
    expect(of({ scheduler: long })).toThrow('of them a header');
  });
});

test('crc32 is the one of zlib', () => {
  for (const text of ['', 'a', '123456789', 'ä'.repeat(1000)])
    expect(crc32(Buffer.from(text))).toBe(zlibCrc32(Buffer.from(text)));
});

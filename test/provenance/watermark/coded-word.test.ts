import { describe, expect, test } from 'vitest';
import { agreement, decodeMessage, encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import { openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { TEST_MAC } from './keys.ts';
import { randomOf } from './pictures.ts';

const random = randomOf(5);
const anyMessage = () => ({ left: Math.floor(random() * 2 ** 29), right: Math.floor(random() * 2 ** 29) });
const softOf = (coded: Uint8Array) => Float64Array.from(coded, bit => 2 * bit - 1);

describe('the code', () => {
  test('every message comes back, with the ends of the range', () => {
    const most = 2 ** 29 - 1;
    const ends = [
      { left: 0, right: 0 },
      { left: most, right: most },
      { left: 0, right: 1 },
      { left: 1, right: 0 },
    ];
    for (const message of [...ends, ...Array.from({ length: 200 }, anyMessage)])
      expect(decodeMessage(softOf(encodeMessage(message)))).toEqual(message);
  });

  test('any four wrong bits of 128 are corrected: the words differ in ten at least', () => {
    for (let round = 0; round < 300; round++) {
      const message = anyMessage();
      const soft = softOf(encodeMessage(message));
      const wrong = new Set<number>();
      // close together is the hardest case
      const from = Math.floor(random() * 118);
      while (wrong.size < 4) wrong.add(from + Math.floor(random() * 10));
      for (const at of wrong) soft[at]! *= -1;
      expect(decodeMessage(soft)).toEqual(message);
    }
  });

  test('twenty wrong bits that are known to be unsure are corrected', () => {
    for (let round = 0; round < 100; round++) {
      const message = anyMessage();
      const soft = softOf(encodeMessage(message));
      for (let i = 0; i < 20; i++) soft[Math.floor(random() * 128)]! *= -0.2;
      expect(decodeMessage(soft)).toEqual(message);
    }
  });

  test('soft values of another length are refused with a sentence', () => {
    expect(() => decodeMessage([1, -1])).toThrow('got 2 soft values; the code has 128.');
  });
});

describe('the payload', () => {
  test('what is sealed opens again, and two jobs share no more coded bits than chance', () => {
    const shared: number[] = [];
    for (let nonce = 0; nonce < 400; nonce++) {
      const payload = { tag: 0xabcdef, nonce: 2 ** 34 - 1 - nonce };
      const sealed = sealPayload(TEST_MAC, payload);
      expect(openPayload(TEST_MAC, sealed)).toEqual(payload);
      const next = sealPayload(TEST_MAC, { ...payload, nonce });
      shared.push(agreement(encodeMessage(sealed), encodeMessage(next)));
    }
    const mean = shared.reduce((a, b) => a + b) / shared.length;
    expect(Math.abs(mean - 64)).toBeLessThan(2);
    expect(Math.max(...shared)).toBeLessThan(92);
  });

  test('what has too many bits is refused with a sentence', () => {
    expect(() => sealPayload(TEST_MAC, { tag: 2 ** 24, nonce: 0 })).toThrow('24 and 34 bits are taken');
    expect(() => sealPayload(TEST_MAC, { tag: 0, nonce: 2 ** 34 })).toThrow(RangeError);
    expect(() => sealPayload(TEST_MAC, { tag: 0, nonce: 0.5 })).toThrow(RangeError);
  });
});

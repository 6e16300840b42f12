import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import { deriveKeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import { BASIS, BLOCK, GRID, PLANES } from '#gpu-container/provenance/watermark/lattice.ts';
import { deploymentTag, jobNonce, openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { macOf } from './keys.ts';

interface Vectors {
  readonly key: string;
  readonly deployment: string;
  readonly job: string;
  readonly counter: number;
  readonly tag: number;
  readonly nonce: number;
  readonly message: readonly [number, number];
  readonly coded: string;
  readonly streams: readonly { bits: number[]; signs: string; dithers: number[] }[];
  readonly width: number;
  readonly height: number;
  readonly plain: string;
  readonly marked: string;
  readonly soft: readonly number[];
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/vectors.json'), 'utf8')) as Vectors;
const mac = macOf(Buffer.from(vectors.key, 'hex'));
const keys = deriveKeyStream(mac);
const size = { width: vectors.width, height: vectors.height };
const bytes = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));
const message = { left: vectors.message[0], right: vectors.message[1] };

describe('the watermark as its text says it', () => {
  test('the key stream is that of the oracle: permutations, signs and dithers of every plane', () => {
    for (const [plane, stream] of vectors.streams.entries()) {
      const { bits, dithers, carrier } = keys[plane]!;
      expect([...bits]).toEqual(stream.bits);
      expect([...dithers]).toEqual(stream.dithers);
      const first = (y: number, x: number) =>
        PLANES[plane]!.coefficients.reduce((sum, [v, u], j) => {
          const sign = stream.signs[(Math.floor(y / BLOCK) * 16 + Math.floor(x / BLOCK)) * 3 + j] === '-' ? -1 : 1;
          return sum + (sign * BASIS[v]![y % BLOCK]! * BASIS[u]![x % BLOCK]!) / Math.sqrt(3);
        }, 0);
      for (let i = 0; i < GRID * GRID; i += 7) expect(carrier[i]).toBeCloseTo(first(Math.floor(i / GRID), i % GRID), 6);
    }
  });

  test('tag, nonce, permuted message and coded word are those of the oracle', () => {
    expect(deploymentTag(mac, vectors.deployment)).toBe(vectors.tag);
    expect(jobNonce(mac, vectors.job, vectors.counter)).toBe(vectors.nonce);
    expect(sealPayload(mac, vectors)).toEqual(message);
    expect(openPayload(mac, message)).toEqual({ tag: vectors.tag, nonce: vectors.nonce });
    expect([...encodeMessage(message)].join('')).toBe(vectors.coded);
  });

  test('a marked frame of odd size is that of the oracle, but for a rounding in a thousand', () => {
    const frame = bytes(vectors.plain);
    openMarker(keys, message, size).embed(frame);
    const differences = frame.map((value, i) => Math.abs(value - bytes(vectors.marked)[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter(Boolean).length).toBeLessThan(frame.length / 1000);
    expect(Buffer.from(frame).equals(bytes(vectors.plain))).toBe(false);
  });

  test('the soft values of a marked frame are those of the oracle, at the gain of 1', () => {
    const detector = openDetector(keys, size);
    detector.add(bytes(vectors.marked));
    const reading = detector.read()[0]!;
    expect(reading.gains).toEqual([1, 1, 1]);
    for (let bit = 0; bit < 128; bit++) expect(reading.soft[bit]! / vectors.soft[bit]!).toBeCloseTo(1, 3);
    expect(reading.message).toEqual(message);
  });
});

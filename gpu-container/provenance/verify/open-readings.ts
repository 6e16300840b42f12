import { agreement, encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import type { KeyStream, Mac } from '#gpu-container/provenance/watermark/key-stream.ts';
import { jobNonce, openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';
import type { FileReadings, Seen } from './protocol.ts';
import { verifyLimits } from './verify-limits.ts';

/** Whose mark is looked for: what of an installation's keys that takes. */
export interface MarkKeys {
  /** HMAC-SHA256 under the watermark key. */
  readonly mac: Mac;
  readonly stream: KeyStream;
  /** The 24 bits that all marks of the installation share. */
  readonly tag: number;
}

/** What was read from pictures, opened. */
export interface MarkReading {
  /** Frames that were read. */
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Messages that were decoded and whose tag was compared. */
  readonly decoded: number;
  /** Parts of the frame that were tried; 1 for the whole alone. */
  readonly tried: number;
  readonly searched: boolean;
  /** A message with the installation's tag; null where none was read. */
  readonly hit: MarkHit | null;
  /** The most bits that agree with the mark of the job that the file itself names; null where it names none. */
  readonly suspected: number | null;
}

/** A message with the installation's tag. */
export interface MarkHit {
  readonly tag: number;
  readonly nonce: number;
  /** Bits of 128 that agree with its coded word. */
  readonly agreeing: number;
  /** null: the whole frame. */
  readonly geometry: Geometry | null;
}

/** The first message with the installation's tag. */
export function hitIn({ mac, tag }: MarkKeys, seen: Seen): MarkHit | null {
  for (const { message, bits, geometry } of seen.readings) {
    const payload = openPayload(mac, message);
    if (payload.tag === tag) return { ...payload, agreeing: agreement(bits, encodeMessage(message)), geometry };
  }
  return null;
}

/** What a file's pictures say to who has the key; null where they were not read. */
export function openReadings(keys: MarkKeys, { c2pa, whole, parts }: FileReadings): MarkReading | null {
  if (whole === null) return null;
  const { frames, width, height } = whole;
  const readings = [...whole.readings, ...(parts?.readings ?? [])];
  return {
    ...{ frames, width, height, decoded: readings.length, tried: parts?.tried ?? 1, searched: parts !== null },
    hit: hitIn(keys, { ...whole, readings }),
    suspected: suspectedIn(keys, readings, c2pa?.claim?.job?.id ?? null),
  };
}

function suspectedIn({ mac, tag }: MarkKeys, readings: Seen['readings'], jobId: string | null): number | null {
  if (jobId === null) return null;
  const words = Array.from({ length: verifyLimits.suspects }, (_, counter) =>
    encodeMessage(sealPayload(mac, { tag, nonce: jobNonce(mac, jobId, counter) })),
  );
  return Math.max(...readings.flatMap(({ bits }) => words.map(word => agreement(bits, word))));
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BufferTarget,
  EncodedPacket,
  EncodedVideoPacketSource,
  Mp4OutputFormat,
  Output,
  WebMOutputFormat,
} from 'mediabunny';
import { expect, test } from 'vitest';
import { readMediaFacts } from '#core/references/media-facts.ts';
import { sniffMedia } from '#core/references/media-type.ts';
import { openCodedSizes } from '#gpu-container/media/coded-size.ts';
import { readReferenceVideo } from '#gpu-container/media/decode-video.ts';
import { type Demuxed, demux } from '#gpu-container/media/demux.ts';
import { makeCoded, makeMp4 } from './make-media.ts';

const SHAPE = { frames: 6, fps: 8, width: 96, height: 64 };
const files = {
  avc: () => makeMp4(6, 8, 96, 64),
  hevc: () => makeCoded('hevc', new Mp4OutputFormat(), SHAPE),
  vp8: () => makeCoded('vp8', new WebMOutputFormat(), SHAPE),
  vp9: () => makeCoded('vp9', new WebMOutputFormat(), SHAPE),
  av1: () => makeCoded('av1', new WebMOutputFormat(), SHAPE),
} as const;
type Codec = keyof typeof files;
const takeApart = async (codec: Codec) => (await demux(await files[codec]())) as Demuxed;

/** Bits by their text; a number in so many bits. */
const bits = (value: number, count: number) => value.toString(2).padStart(count, '0');
const packed = (text: string) =>
  Uint8Array.from(text.match(/.{1,8}/g)!, byte => Number.parseInt(byte.padEnd(8, '0'), 2));
const unpacked = (bytes: Uint8Array) => [...bytes].map(byte => bits(byte, 8)).join('');

/** What the first packet says, at 16000x16000, and the rest as it was. */
const enlarge: Readonly<Record<Codec, (packet: Uint8Array) => Uint8Array>> = {
  avc: packet =>
    behindSet(packet, [
      0x67,
      ...packed(`${bits(66, 8)}${bits(0, 8)}${bits(51, 8)}111110${golomb(999)}${golomb(999)}11`),
    ]),
  hevc: packet =>
    behindSet(packet, [0x42, 0x01, ...packed(`00000000${'01'.repeat(48)}1010${golomb(16000)}${golomb(16000)}01111`)]),
  vp8: packet => {
    const large = packet.slice();
    large.set([16_000 & 0xff, 16_000 >> 8, 16_000 & 0xff, 16_000 >> 8], 6);
    return large;
  },
  vp9: packet => {
    const text = unpacked(packet);
    return packed(text.slice(0, 36) + bits(15_999, 16) + bits(15_999, 16) + text.slice(68));
  },
  av1: packet => {
    const header = packed(
      `000${'0'}${'0'}${'0'}${'0'}${bits(0, 5)}${bits(0, 12)}${bits(8, 5)}0${bits(15, 4)}${bits(15, 4)}${bits(15_999, 16)}${bits(15_999, 16)}${bits(0, 16)}`,
    );
    return Uint8Array.from([0x0a, header.length, ...header, ...packet]);
  },
};
function golomb(value: number): string {
  const text = (value + 1).toString(2);
  return text.padStart(2 * text.length - 1, '0');
}
/** A NAL unit before the packet's own; ours hold no two zero bytes in a row. */
function behindSet(packet: Uint8Array, unit: number[]): Uint8Array {
  return Uint8Array.from([0, 0, unit.length >> 8, unit.length & 0xff, ...unit, ...packet]);
}

test.each(Object.keys(files) as Codec[])('every packet of %s tells the size that it is decoded to', async codec => {
  const { config, packets } = await takeApart(codec);
  const sizesIn = openCodedSizes(config);
  const told = packets.map(({ data }) => sizesIn(data).map(({ width, height }) => [width, height]));
  expect(told[0]).toContainEqual([96, 64]);
  for (const size of told.flat()) expect(size).toEqual([96, 64]);
});

test.each(Object.keys(files) as Codec[])(
  'a small container around a huge frame of %s is refused before it is decoded',
  async codec => {
    const { config, packets } = await takeApart(codec);
    const isWebm = codec !== 'avc' && codec !== 'hevc';
    const target = new BufferTarget();
    const output = new Output({ format: isWebm ? new WebMOutputFormat() : new Mp4OutputFormat(), target });
    const source = new EncodedVideoPacketSource(codec);
    output.addVideoTrack(source, { frameRate: 8 });
    await output.start();
    for (const [k, { data, type }] of packets.entries()) {
      const bytes = k === 0 ? enlarge[codec](data) : data;
      await source.add(new EncodedPacket(bytes, type, k / 8, 1 / 8), k === 0 ? { decoderConfig: config } : undefined);
    }
    await output.finalize();
    const file = new Uint8Array(target.buffer!);
    expect(readMediaFacts(file, sniffMedia(file)!)).toMatchObject({ width: 96, height: 64 });
    const folder = await mkdtemp(join(tmpdir(), 'reelay-size-'));
    await writeFile(join(folder, 'reference'), file);
    const read = readReferenceVideo(join(folder, 'reference'), { width: 16, height: 16, frames: 6, fps: 8 });
    await expect(read).rejects.toMatchObject({
      code: 'invalid_reference',
      message: expect.stringContaining('got frames of 16000x16000'),
    });
    await rm(folder, { recursive: true });
  },
);

test('a later frame may say a size of its own, also in a packet of several', () => {
  const vp9 = openCodedSizes({ codec: 'vp09.00.10.08' });
  const keepsNone = `10000110${bits(0, 2 + 8 + 12)}000`;
  const own = packed(`${keepsNone}${bits(15_999, 16)}${bits(8_999, 16)}`);
  const kept = packed(`${keepsNone.slice(0, -1)}1${bits(0, 32)}`);
  const marker = 0b1100_0001;
  const together = Uint8Array.from([...kept, ...own, marker, kept.length, own.length, marker]);
  expect(vp9(together)).toEqual([{ width: 16_000, height: 9_000 }]);
  expect(vp9(kept)).toEqual([]);

  // Of a sequence of 64x64, whose frames have 16 bits for their own sizes: one that uses them, one that does not.
  const av1 = openCodedSizes({ codec: 'av01.0.04M.08' });
  const sequence = packed(
    `00000${'00'}${bits(0, 5 + 12 + 5)}${bits(15, 4)}${bits(15, 4)}${bits(63, 16)}${bits(63, 16)}${bits(0, 24)}`,
  );
  const unit = (type: number, bytes: Uint8Array) => [(type << 3) | 2, bytes.length, ...bytes];
  expect(av1(Uint8Array.from(unit(1, sequence)))).toEqual([{ width: 64, height: 64 }]);
  expect(av1(Uint8Array.from(unit(6, packed('00010000'))))).toEqual([]);
  expect(av1(Uint8Array.from(unit(6, packed('00010100'))))).toEqual([{ width: 65_536, height: 65_536 }]);
});

/**
 * @file Pictures of any file as the planes that the watermark is in: I420, BT.709, limited range, upright. What is there already is copied
 * as it is, everything else goes through RGB. For files that nobody vouches for: call it in a process that may be killed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VideoFrame } from '@napi-rs/webcodecs';
import { BufferSource, EncodedPacketSink, Input, MP4, QTFF } from 'mediabunny';
import sharp from 'sharp';
import { limits } from '#core/limits.ts';
import { sniffMedia } from '#core/references/media-type.ts';
import { openCodedSizes } from './coded-size.ts';
import { rgbToI420 } from './color.ts';
import { type DemuxedPacket, demux } from './demux.ts';
import { readFrame } from './read-frame.ts';
import type { Size } from './resize.ts';
import { type Picture, type Turn, turnUpright } from './turn.ts';

/** A picture without padding: Y [H, W], then U and V [ceil(H / 2), ceil(W / 2)]. */
export interface I420Picture extends Size {
  readonly bytes: Uint8Array;
}

/** Which frames of a video are given. */
export interface WantedFrames {
  /** No more than these are decoded. */
  readonly decoded: number;
  /** Every so many-th decoded frame is given; its size is known by then. */
  readonly every: (size: Size) => number;
  /** Asked between two packets: true ends the reading, and what was given stands. */
  readonly isOver: () => boolean;
}

/** Packets that the decoder may hold. */
const MAX_QUEUED = 4;
/** A decoder that needs longer for one picture is being played with. */
const DECODE_SECONDS = 8;

/**
 * Gives frames of an MP4, QuickTime or WebM file in the order of showing; false from `take` ends it. Returns how many were decoded. Throws
 * for a file that cannot be taken apart, and for frames larger than limits.maxReferenceFramePixels; what a damaged file showed before its
 * damage has been given by then.
 */
export async function readI420Frames(
  file: Uint8Array,
  wanted: WantedFrames,
  take: (picture: I420Picture) => boolean,
): Promise<number> {
  const { VideoDecoder, EncodedVideoChunk } = await import('@napi-rs/webcodecs');
  using video = await openVideo(file);
  const { config, turn } = video;
  const waiting: VideoFrame[] = [];
  let failure: Error | undefined;
  let [decoded, goesOn] = [0, true];
  const decoder = new VideoDecoder({
    output: frame => void waiting.push(frame),
    error: error => {
      failure ??= error;
    },
  });
  const takeDecoded = async () => {
    for (let frame = waiting.shift(); frame !== undefined; frame = waiting.shift()) {
      const isWanted = goesOn && decoded % wanted.every(frame.visibleRect) === 0;
      decoded++;
      try {
        if (isWanted) goesOn = take(await toI420(frame, turn));
      } finally {
        frame.close();
      }
    }
    if (failure !== undefined) throw failure;
  };
  const alive = setInterval(() => undefined, 1000); // the decoder's threads do not keep the event loop open
  try {
    const sizesIn = openCodedSizes(config);
    decoder.configure(config as Parameters<typeof decoder.configure>[0]);
    let sent = 0;
    for await (const packet of video.packets()) {
      if (!goesOn || sent++ >= wanted.decoded || wanted.isOver()) break;
      checkSizes(sizesIn(packet.data));
      decoder.decode(new EncodedVideoChunk(packet));
      do {
        await nextTurn();
        await takeDecoded();
      } while (decoder.decodeQueueSize > MAX_QUEUED);
    }
    if (goesOn && !wanted.isOver()) await decoder.flush();
    await takeDecoded();
    return decoded;
  } finally {
    clearInterval(alive);
    for (const frame of waiting) frame.close();
    if (decoder.state !== 'closed') decoder.close();
  }
}

interface OpenVideo extends Disposable {
  readonly config: VideoDecoderConfig;
  readonly turn: Turn;
  /** In the order in which they are decoded. */
  packets(): AsyncIterable<DemuxedPacket>;
}

/** Of a long MP4 only the packets that are asked for are read. Damaged WebM can make mediabunny run in circles: a thread takes it apart. */
async function openVideo(file: Uint8Array): Promise<OpenVideo> {
  if (sniffMedia(file) === 'video/webm') {
    const video = await demux(file);
    if (typeof video === 'string') throw new RangeError(video);
    const packets = async function* () {
      yield* video.packets;
    };
    return { ...video, packets, [Symbol.dispose]: () => undefined };
  }
  const input = new Input({ formats: [MP4, QTFF], source: new BufferSource(file) });
  try {
    const track = await input.getPrimaryVideoTrack();
    const config = await track?.getDecoderConfig();
    if (track == null || config == null) throw new RangeError('it holds no video track that is known here');
    const turn = { degrees: await track.getRotation(), mirrored: await track.getFlip() };
    const packets = async function* () {
      for await (const packet of new EncodedPacketSink(track).packets()) {
        const { type, data, microsecondTimestamp: timestamp, microsecondDuration: duration } = packet;
        yield { type, data, timestamp, duration };
      }
    };
    return { config, turn, packets, [Symbol.dispose]: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/**
 * A PNG, JPEG or WebP file, shrunk to at most so many pixels: the mark lies far below what that loses. Throws for what cannot be decoded
 * or has more than limits.maxReferencePixels.
 */
export async function readI420Image(file: Uint8Array, mostPixels: number): Promise<I420Picture> {
  const image = sharp(file, { limitInputPixels: limits.maxReferencePixels, failOn: 'error', autoOrient: true });
  const { width: w = 0, height: h = 0 } = await image.metadata();
  const factor = Math.min(1, Math.sqrt(mostPixels / Math.max(1, w * h)));
  const side = Math.max(1, Math.floor(Math.max(w, h) * factor));
  const { data, info } = await image
    .timeout({ seconds: DECODE_SECONDS })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const rgb = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return rgbPicture({ rgb, width: info.width, height: info.height });
}

/** Before the decoder makes room. */
function checkSizes(sizes: readonly Size[]): void {
  for (const { width, height } of sizes)
    if (width * height > limits.maxReferenceFramePixels)
      throw new RangeError(`its frames have ${width}x${height} pixels; at most ${limits.maxReferenceFramePixels}`);
}

/** Planes as they came where they are what the watermark's are; tags that say nothing are taken for that. */
async function toI420(frame: VideoFrame, turn: Turn): Promise<I420Picture> {
  const { format, colorSpace, visibleRect } = frame;
  const { width, height } = visibleRect;
  const isPlain = turn.degrees === 0 && !turn.mirrored && colorSpace.fullRange !== true;
  const is709 = colorSpace.matrix == null || colorSpace.matrix === 'bt709';
  if (!isPlain || !is709 || (format !== 'I420' && format !== 'NV12'))
    return rgbPicture(turnUpright(await readFrame(frame), turn));
  if (width * height > limits.maxReferenceFramePixels)
    throw new RangeError(`its frames have ${width}x${height} pixels`);
  const padded = new Uint8Array(frame.allocationSize());
  const [luma, cb, cr] = await frame.copyTo(padded);
  if (luma === undefined || cb === undefined) throw new RangeError('its frames have no planes');
  const [columns, rows] = [(width + 1) >> 1, (height + 1) >> 1];
  const bytes = new Uint8Array(width * height + 2 * columns * rows);
  for (let y = 0; y < height; y++) {
    const from = luma.offset + y * luma.stride;
    bytes.set(padded.subarray(from, from + width), y * width);
  }
  const second = cr ?? { offset: cb.offset + 1, stride: cb.stride };
  const step = cr === undefined ? 2 : 1;
  let put = width * height;
  for (const plane of [cb, second])
    for (let y = 0; y < rows; y++)
      for (let x = 0, from = plane.offset + y * plane.stride; x < columns; x++, from += step)
        bytes[put++] = padded[from]!;
  return { width, height, bytes };
}

/** Odd sides get their last column or row twice. */
function rgbPicture({ rgb, width, height }: Picture): I420Picture {
  const even = { width: width + (width % 2), height: height + (height % 2) };
  if (even.width === width && even.height === height) return { width, height, bytes: rgbToI420(rgb, width, height) };
  const padded = new Uint8Array(even.width * even.height * 3);
  for (let y = 0; y < even.height; y++) {
    const row = rgb.subarray(Math.min(y, height - 1) * width * 3, (Math.min(y, height - 1) + 1) * width * 3);
    padded.set(row, y * even.width * 3);
    if (even.width > width) padded.set(row.subarray(-3), (y * even.width + width) * 3);
  }
  return { ...even, bytes: rgbToI420(padded, even.width, even.height) };
}

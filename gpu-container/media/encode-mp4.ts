/**
 * @file Frames to an MP4 that starts at once in any player: H.264 High, 4:2:0, BT.709 limited range, index before the data,
 * constant frame rate. No clock enters the file: the same frames give the same bytes on one machine (x264 cuts a frame in slices
 * by cores, so a machine with another number of cores gives other bytes for the same picture).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VideoEncoder } from '@napi-rs/webcodecs';
import { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output } from 'mediabunny';
import { type Clip, checkClip, checkShape, frameOf } from './clip.ts';
import { rgbToI420 } from './color.ts';
import { clearTimes, completeAvcConfiguration } from './mp4-boxes.ts';

/** Loaded on first use: on a platform without the native library `doctor` still runs and says so. */
const loadCodecs = () => import('@napi-rs/webcodecs');

const BT709_LIMITED = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } as const;

/**
 * Flat drawings need a tenth of this, and x264 does not pad: a 16-frame clip of shapes is 10 kB with a PSNR of 67 dB. Noise at
 * 4 bits a pixel keeps 45 dB. The cap is what streaming services call generous for 1080p.
 */
const BITS_PER_PIXEL = 4;
const MIN_BITRATE = 1_000_000;
const MAX_BITRATE = 20_000_000;

/** High profile; the level written here is a ceiling, x264 states the one the stream needs. 5.1 covers 4096x2304. */
const CODEC = 'avc1.640033';

/** Frames wait in the encoder up to this many, then `add` waits: a fast decoder must not fill the memory. */
const MAX_QUEUED = 8;

/** What is done to each frame before it is encoded, in place: I420 without padding, in time order. No file is made without it. */
export type MarkFrame = (i420: Uint8Array) => void;

/** An MP4 that grows with the clip; only compressed bytes are kept. */
export interface Mp4Encoder {
  /** RGB bytes [H, W, 3] of the next frame; gives it as it went into the file, marked, in I420. */
  add(frame: Uint8Array): Promise<Uint8Array>;
  /** The whole file. Throws when a frame is missing, and on an encoder error. */
  finish(): Promise<Uint8Array<ArrayBuffer>>;
  /** Frees the encoder without a file; does nothing after `finish`. */
  abandon(): void;
}

/** A whole clip's file. Throws on odd sizes and on an encoder error. */
export async function encodeMp4(clip: Clip, mark: MarkFrame): Promise<Uint8Array<ArrayBuffer>> {
  checkClip(clip);
  const encoder = await openMp4Encoder(clip, mark);
  try {
    for (let i = 0; i < clip.frames; i++) await encoder.add(frameOf(clip, i));
    return await encoder.finish();
  } finally {
    encoder.abandon();
  }
}

/** True when this platform's encoder makes a file; false when its library is missing or fails. */
export async function canEncode(): Promise<boolean> {
  const [frames, width, height] = [2, 16, 16];
  try {
    const nothing = { rgb: new Uint8Array(frames * width * height * 3), frames, width, height, fps: 2 };
    await encodeMp4(nothing, () => undefined); // no video of anyone's: the bytes are dropped
    return true;
  } catch {
    return false;
  }
}

/** An encoder for a clip of this size, rate and length; `tags` are fields of the file's metadata by key. Throws on odd sizes. */
export async function openMp4Encoder(
  shape: Omit<Clip, 'rgb'>,
  mark: MarkFrame,
  tags: Readonly<Record<string, string>> = {},
): Promise<Mp4Encoder> {
  checkShape(shape);
  const { VideoEncoder, VideoFrame } = await loadCodecs();
  const { width, height, fps, frames } = shape;
  const received: Received = { packets: [], stream: { codec: CODEC }, failure: undefined };
  const { packets, stream } = received;
  let added = 0;
  const encoder = new VideoEncoder(receiverOf(received, fps));
  const bitrate = Math.min(MAX_BITRATE, Math.max(MIN_BITRATE, width * height * fps * BITS_PER_PIXEL));
  const alive = setInterval(() => undefined, 1000); // the encoder's threads do not keep the event loop open
  const abandon = () => {
    clearInterval(alive);
    if (encoder.state !== 'closed') encoder.close();
  };
  encoder.configure({ codec: CODEC, width, height, framerate: fps, bitrate, avc: { format: 'avc' } });
  return {
    abandon,
    async add(rgb) {
      const planes = rgbToI420(rgb, width, height);
      mark(planes);
      const frame = new VideoFrame(planes, {
        format: 'I420',
        codedWidth: width,
        codedHeight: height,
        timestamp: Math.round((added * 1e6) / fps),
        duration: Math.round(1e6 / fps),
        colorSpace: BT709_LIMITED,
      });
      encoder.encode(frame, { keyFrame: added === 0 });
      frame.close();
      added++;
      while (encoder.encodeQueueSize > MAX_QUEUED && received.failure === undefined) await sleep(1);
      return planes;
    },
    async finish() {
      try {
        await encoder.flush();
      } finally {
        abandon();
      }
      const { failure } = received;
      if (failure !== undefined) throw new Error('mp4: the H.264 encoder failed.', { cause: failure });
      if (packets.length !== frames || stream.description === undefined)
        throw new Error(`mp4: the H.264 encoder gave ${packets.length} of ${frames} frames.`);
      return writeFile(packets, { ...stream, tags }, shape);
    },
  };
}

/** What has come out of the encoder. */
interface Received {
  readonly packets: EncodedPacket[];
  readonly stream: Stream;
  failure: Error | undefined;
}

/** Apart from all else: the encoder holds these for good where they can reach the encoder, and with them a clip and its marks. */
function receiverOf(received: Received, fps: number): ConstructorParameters<typeof VideoEncoder>[0] {
  const { packets, stream } = received;
  return {
    output: (chunk, metadata) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      const frame = Math.round((chunk.timestamp * fps) / 1e6); // back to the exact grid: 1/7 s is no whole microsecond
      packets.push(new EncodedPacket(data, chunk.type === 'key' ? 'key' : 'delta', frame / fps, 1 / fps));
      const config = metadata?.decoderConfig;
      if (config?.description !== undefined) stream.description ??= completeAvcConfiguration(config.description);
      stream.codec = config?.codec ?? stream.codec;
    },
    error: error => {
      received.failure = error;
    },
  };
}

interface Stream {
  codec: string;
  /** AVCDecoderConfigurationRecord. */
  description?: Uint8Array;
}

async function writeFile(
  packets: readonly EncodedPacket[],
  { codec, description, tags }: Stream & { readonly tags: Readonly<Record<string, string>> },
  { width, height, fps }: Omit<Clip, 'rgb'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const target = new BufferTarget();
  const output = new Output({
    format: new Mp4OutputFormat({ fastStart: 'in-memory', metadataFormat: 'mdta' }),
    target,
  });
  const track = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(track, { frameRate: fps });
  if (Object.keys(tags).length > 0) output.setMetadataTags({ raw: { ...tags } });
  await output.start();
  for (const [i, packet] of packets.entries()) {
    const decoderConfig = {
      ...{ codec, codedWidth: width, codedHeight: height, colorSpace: BT709_LIMITED },
      ...(description && { description }),
    };
    await track.add(packet, i === 0 ? { decoderConfig } : undefined);
  }
  await output.finalize();
  const file = new Uint8Array(target.buffer!); // set by finalize
  clearTimes(file);
  return file;
}

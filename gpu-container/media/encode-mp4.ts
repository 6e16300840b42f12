/**
 * @file Frames to an MP4 that starts at once in any player: H.264 High, 4:2:0, BT.709 limited range, index before the data,
 * constant frame rate. No clock enters the file: the same frames give the same bytes on one machine (x264 cuts a frame in slices
 * by cores, so a machine with another number of cores gives other bytes for the same picture).
 */
import { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output } from 'mediabunny';
import { type Clip, checkClip, frameOf } from './clip.ts';
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

interface Encoded {
  readonly packets: readonly EncodedPacket[];
  /** AVCDecoderConfigurationRecord. */
  readonly description: Uint8Array;
  readonly codec: string;
}

/** A whole MP4 file in memory. Throws on odd sizes and on an encoder error. */
export async function encodeMp4(clip: Clip): Promise<Uint8Array<ArrayBuffer>> {
  checkClip(clip);
  const { packets, description, codec } = await encodeFrames(clip);
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const track = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(track, { frameRate: clip.fps });
  await output.start();
  const { width, height } = clip;
  for (const [i, packet] of packets.entries()) {
    const decoderConfig = { codec, codedWidth: width, codedHeight: height, description, colorSpace: BT709_LIMITED };
    await track.add(packet, i === 0 ? { decoderConfig } : undefined);
  }
  await output.finalize();
  const file = new Uint8Array(target.buffer!); // set by finalize
  clearTimes(file);
  return file;
}

/** True when this platform's encoder makes a file; false when its library is missing or fails. */
export async function canEncode(): Promise<boolean> {
  const [frames, width, height] = [2, 16, 16];
  try {
    await encodeMp4({ rgb: new Uint8Array(frames * width * height * 3), frames, width, height, fps: 2 });
    return true;
  } catch {
    return false;
  }
}

async function encodeFrames(clip: Clip): Promise<Encoded> {
  const { VideoEncoder, VideoFrame } = await loadCodecs();
  const { width, height, fps } = clip;
  const packets: EncodedPacket[] = [];
  let description: Uint8Array | undefined;
  let codec = CODEC;
  let failure: Error | undefined;
  const encoder = new VideoEncoder({
    output: (chunk, metadata) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      const frame = Math.round((chunk.timestamp * fps) / 1e6); // back to the exact grid: 1/7 s is no whole microsecond
      packets.push(new EncodedPacket(data, chunk.type === 'key' ? 'key' : 'delta', frame / fps, 1 / fps));
      const config = metadata?.decoderConfig;
      if (config?.description !== undefined) description ??= completeAvcConfiguration(config.description);
      codec = config?.codec ?? codec;
    },
    error: error => {
      failure = error;
    },
  });
  const bitrate = Math.min(MAX_BITRATE, Math.max(MIN_BITRATE, width * height * fps * BITS_PER_PIXEL));
  const alive = setInterval(() => undefined, 1000); // the encoder's threads do not keep the event loop open
  try {
    encoder.configure({ codec: CODEC, width, height, framerate: fps, bitrate, avc: { format: 'avc' } });
    for (let i = 0; i < clip.frames; i++) {
      const frame = new VideoFrame(rgbToI420(frameOf(clip, i), width, height), {
        format: 'I420',
        codedWidth: width,
        codedHeight: height,
        timestamp: Math.round((i * 1e6) / fps),
        duration: Math.round(1e6 / fps),
        colorSpace: BT709_LIMITED,
      });
      encoder.encode(frame, { keyFrame: i === 0 });
      frame.close();
    }
    await encoder.flush();
  } finally {
    clearInterval(alive);
    if (encoder.state !== 'closed') encoder.close();
  }
  if (failure !== undefined) throw new Error('mp4: the H.264 encoder failed.', { cause: failure });
  if (packets.length !== clip.frames || description === undefined)
    throw new Error(`mp4: the H.264 encoder gave ${packets.length} of ${clip.frames} frames.`);
  return { packets, description, codec };
}

/** Small images and videos of every kind that is taken, made here so that nothing binary is committed. */
import { VideoEncoder, VideoFrame } from '@napi-rs/webcodecs';
import {
  BufferTarget,
  EncodedPacket,
  EncodedVideoPacketSource,
  Output,
  type OutputFormat,
  WebMOutputFormat,
} from 'mediabunny';
import sharp from 'sharp';
import { rgbToI420 } from '#gpu-container/media/color.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { unmarked } from './unmarked.ts';

/** RGB [H, W, 3]: a colour that goes over the picture, so that a turn, a shift or a swap shows. */
export function gradient(width: number, height: number, phase = 0): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      rgb[p++] = Math.round((200 * x) / Math.max(1, width - 1)) + 20;
      rgb[p++] = Math.round((200 * y) / Math.max(1, height - 1)) + 20;
      rgb[p++] = phase;
    }
  return rgb;
}

export type ImageKind = 'png' | 'jpeg' | 'webp';

/** A file of the gradient. */
export function makeImage(kind: ImageKind, width = 24, height = 16): Promise<Buffer> {
  const image = sharp(gradient(width, height, 40), { raw: { width, height, channels: 3 } });
  return kind === 'webp' ? image.webp({ lossless: true }).toBuffer() : image[kind]().toBuffer();
}

/** RGB [F, H, W, 3]: frame k is one grey of its own, 20 + 10k, so that each is known by its colour. */
export function greys(frames: number, width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(frames * width * height * 3);
  for (let k = 0; k < frames; k++) rgb.fill(20 + 10 * k, k * width * height * 3, (k + 1) * width * height * 3);
  return rgb;
}

/** An MP4 of the greys. */
export function makeMp4(frames = 16, fps = 8, width = 32, height = 32): Promise<Uint8Array<ArrayBuffer>> {
  return encodeMp4({ rgb: greys(frames, width, height), frames, width, height, fps }, unmarked);
}

/** A WebM of the greys in VP9. */
export function makeWebm(frames = 16, fps = 8, width = 32, height = 32): Promise<Uint8Array<ArrayBuffer>> {
  return makeCoded('vp9', new WebMOutputFormat(), { frames, fps, width, height });
}

const CODECS = {
  vp8: 'vp8',
  vp9: 'vp09.00.10.08',
  hevc: 'hvc1.1.6.L93.B0',
  av1: 'av01.0.04M.08',
} as const;

interface ClipShape {
  readonly frames: number;
  readonly fps: number;
  readonly width: number;
  readonly height: number;
}

/** The greys in a codec that we take and do not make ourselves. */
export async function makeCoded(
  kind: keyof typeof CODECS,
  format: OutputFormat,
  { frames, fps, width, height }: ClipShape,
): Promise<Uint8Array<ArrayBuffer>> {
  const colorSpace = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } as const;
  const codec = CODECS[kind];
  const packets: EncodedPacket[] = [];
  let description: ArrayBuffer | Uint8Array | undefined;
  const encoder = new VideoEncoder({
    output: (chunk, metadata) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      description ??= metadata?.decoderConfig?.description;
      packets.push(new EncodedPacket(data, chunk.type === 'key' ? 'key' : 'delta', chunk.timestamp / 1e6, 1 / fps));
    },
    error: error => {
      throw error;
    },
  });
  const alive = setInterval(() => undefined, 1000); // the encoder's threads do not keep the event loop open
  encoder.configure({ codec, width, height, framerate: fps, bitrate: 1_000_000 });
  const rgb = greys(frames, width, height);
  const size = width * height * 3;
  for (let k = 0; k < frames; k++) {
    const timing = { timestamp: Math.round((k * 1e6) / fps), duration: Math.round(1e6 / fps) };
    const planes = rgbToI420(rgb.subarray(k * size, (k + 1) * size), width, height);
    const shape = { format: 'I420', codedWidth: width, codedHeight: height } as const;
    const frame = new VideoFrame(planes, { ...shape, ...timing, colorSpace });
    encoder.encode(frame, { keyFrame: k === 0 });
    frame.close();
  }
  await encoder.flush();
  encoder.close();
  clearInterval(alive);
  const decoderConfig = {
    codec,
    codedWidth: width,
    codedHeight: height,
    colorSpace,
    ...(description && { description }),
  };
  const target = new BufferTarget();
  const output = new Output({ format, target });
  const track = new EncodedVideoPacketSource(kind);
  output.addVideoTrack(track, { frameRate: fps });
  await output.start();
  for (const [k, packet] of packets.entries()) await track.add(packet, k === 0 ? { decoderConfig } : undefined);
  await output.finalize();
  return new Uint8Array(target.buffer!);
}

/** @file I420 frames to an MP4 with the settings of gpu-container/media/encode-mp4.ts, which takes RGB. */
import { VideoEncoder, VideoFrame } from '@napi-rs/webcodecs';
import { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output } from 'mediabunny';

const COLOR = { primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false } as const;
const CODEC = 'avc1.640033';

export async function encodeI420(
  frames: readonly Uint8Array[],
  { width, height, fps }: { width: number; height: number; fps: number },
): Promise<Uint8Array> {
  const packets: EncodedPacket[] = [];
  let description: Uint8Array | undefined;
  const encoder = new VideoEncoder({
    output: (chunk, metadata) => {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      const at = Math.round((chunk.timestamp * fps) / 1e6);
      packets.push(new EncodedPacket(data, chunk.type === 'key' ? 'key' : 'delta', at / fps, 1 / fps));
      const told = metadata?.decoderConfig?.description;
      if (told !== undefined) description ??= new Uint8Array(told as unknown as ArrayBuffer);
    },
    error: error => {
      throw error;
    },
  });
  const bitrate = Math.min(20e6, Math.max(1e6, width * height * fps * 4));
  encoder.configure({ codec: CODEC, width, height, framerate: fps, bitrate, avc: { format: 'avc' } });
  const alive = setInterval(() => undefined, 1000);
  for (const [i, bytes] of frames.entries()) {
    const timestamp = Math.round((i * 1e6) / fps);
    const init = { format: 'I420', codedWidth: width, codedHeight: height, timestamp, colorSpace: COLOR } as const;
    const frame = new VideoFrame(bytes, { ...init, duration: Math.round(1e6 / fps) });
    encoder.encode(frame, { keyFrame: i === 0 });
    frame.close();
  }
  await encoder.flush();
  clearInterval(alive);
  encoder.close();
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
  const track = new EncodedVideoPacketSource('avc');
  output.addVideoTrack(track, { frameRate: fps });
  await output.start();
  const size = { codec: CODEC, codedWidth: width, codedHeight: height, colorSpace: COLOR };
  const decoderConfig = { ...size, ...(description && { description }) };
  for (const [i, packet] of packets.entries()) await track.add(packet, i === 0 ? { decoderConfig } : undefined);
  await output.finalize();
  return new Uint8Array(target.buffer!);
}

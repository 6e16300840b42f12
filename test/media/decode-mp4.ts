/** Reads our MP4 back, for tests: mediabunny takes it apart, webcodecs decodes to I420 (its RGBA copy ignores the matrix). */
import { EncodedVideoChunk, VideoDecoder, type VideoFrame } from '@napi-rs/webcodecs';
import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';

export interface DecodedClip {
  readonly width: number;
  readonly height: number;
  /** Seconds. */
  readonly duration: number;
  readonly codec: string;
  readonly colorSpace: VideoColorSpaceInit;
  readonly keys: readonly boolean[];
  /** Seconds. */
  readonly timestamps: readonly number[];
  /** I420, one array a frame. */
  readonly frames: readonly Uint8Array[];
}

export async function decodeMp4(file: Uint8Array): Promise<DecodedClip> {
  using input = new Input({ formats: [MP4], source: new BufferSource(file) });
  const track = (await input.getPrimaryVideoTrack())!;
  const config = (await track.getDecoderConfig())!;
  const decoded: VideoFrame[] = [];
  const decoder = new VideoDecoder({
    output: frame => decoded.push(frame),
    error: error => {
      throw error;
    },
  });
  decoder.configure(config as Parameters<VideoDecoder['configure']>[0]);
  const keys: boolean[] = [];
  const timestamps: number[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) {
    keys.push(packet.type === 'key');
    timestamps.push(packet.timestamp);
    decoder.decode(
      new EncodedVideoChunk({ type: packet.type, timestamp: packet.microsecondTimestamp, data: packet.data }),
    );
  }
  await decoder.flush();
  const frames = await Promise.all(
    decoded.map(async frame => {
      const bytes = new Uint8Array((frame.codedWidth * frame.codedHeight * 3) / 2);
      if (frame.format !== 'I420') throw new Error(`expected I420, got ${frame.format}`);
      await frame.copyTo(bytes);
      frame.close();
      return bytes;
    }),
  );
  decoder.close();
  return {
    width: await track.getCodedWidth(),
    height: await track.getCodedHeight(),
    duration: await input.computeDuration(),
    codec: config.codec,
    colorSpace: config.colorSpace ?? {},
    keys,
    timestamps,
    frames,
  };
}

/** @file Frames of an MP4 that this process has just written: no stranger's file, so it is taken apart in this very thread. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VideoFrame } from '@napi-rs/webcodecs';
import { BufferSource, EncodedPacketSink, Input, MP4 } from 'mediabunny';

/** Packets that the decoder may hold. */
const MAX_QUEUED = 4;

/**
 * Decodes the first frames of a file, `atMost` of them, and hands each to `take` as I420 without padding; the bytes are the next frame's
 * afterwards. Throws on a file that cannot be decoded.
 */
export async function eachOwnFrame(file: Uint8Array, atMost: number, take: (i420: Uint8Array) => void): Promise<void> {
  const { EncodedVideoChunk, VideoDecoder } = await import('@napi-rs/webcodecs');
  using input = new Input({ formats: [MP4], source: new BufferSource(file) });
  const track = await input.getPrimaryVideoTrack();
  const config = await track?.getDecoderConfig();
  if (track == null || config == null) throw new Error('mp4: the file just written holds no video.');
  const decoded: VideoFrame[] = [];
  let failure: Error | undefined;
  const decoder = new VideoDecoder({
    output: frame => void decoded.push(frame),
    error: error => {
      failure ??= error;
    },
  });
  const alive = setInterval(() => undefined, 1000); // the decoder's threads do not keep the event loop open
  const takeDecoded = async () => {
    for (let frame = decoded.shift(); frame !== undefined; frame = decoded.shift()) take(await planesOf(frame));
    if (failure !== undefined) throw failure;
  };
  try {
    decoder.configure(config as Parameters<typeof decoder.configure>[0]);
    let fed = 0;
    for await (const packet of new EncodedPacketSink(track).packets()) {
      if (fed++ === atMost) break;
      const { type, microsecondTimestamp: timestamp, data } = packet;
      decoder.decode(new EncodedVideoChunk({ type, timestamp, data }));
      while (decoder.decodeQueueSize > MAX_QUEUED && failure === undefined) await sleep(1);
      await takeDecoded();
    }
    await decoder.flush();
    await takeDecoded();
  } finally {
    clearInterval(alive);
    for (const frame of decoded) frame.close();
    if (decoder.state !== 'closed') decoder.close();
  }
}

/** Closes the frame. */
async function planesOf(frame: VideoFrame): Promise<Uint8Array> {
  try {
    const { width, height } = frame.visibleRect;
    if (frame.format !== 'I420') throw new Error(`mp4: the file just written decodes to ${frame.format}.`);
    const bytes = new Uint8Array(frame.allocationSize());
    const layout = await frame.copyTo(bytes);
    const sizes = [width, (width + 1) >> 1, (width + 1) >> 1].map((across, plane) => ({
      across,
      down: plane === 0 ? height : (height + 1) >> 1,
    }));
    const tight = new Uint8Array(sizes.reduce((sum, { across, down }) => sum + across * down, 0));
    let at = 0;
    for (const [plane, { across, down }] of sizes.entries()) {
      const { offset, stride } = layout[plane]!;
      for (let row = 0; row < down; row++, at += across)
        tight.set(bytes.subarray(offset + row * stride, offset + row * stride + across), at);
    }
    return tight;
  } finally {
    frame.close();
  }
}

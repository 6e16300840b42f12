/**
 * @file Takes a video file apart in a thread of its own, which demux.ts can end: mediabunny 1.61.0 runs in circles on some damaged WebM,
 * and a loop that never gives up its thread can only be stopped from another.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { BufferSource, EncodedPacketSink, Input, MP4, QTFF, WEBM } from 'mediabunny';
import { limits } from '#core/limits.ts';
import type { Demuxed, DemuxedPacket } from './demux.ts';

async function demux(file: Uint8Array): Promise<Demuxed | string> {
  using input = new Input({ formats: [MP4, QTFF, WEBM], source: new BufferSource(file) });
  const track = await input.getPrimaryVideoTrack();
  if (track === null) return 'it holds no video track';
  const config = await track.getDecoderConfig();
  if (config === null) return 'its codec is not known here';
  const packets: DemuxedPacket[] = [];
  for await (const packet of new EncodedPacketSink(track).packets()) {
    if (packets.length === limits.maxReferenceFrames) return `it has more than ${limits.maxReferenceFrames} frames`;
    const { type, data, microsecondTimestamp: timestamp, microsecondDuration: duration } = packet;
    packets.push({ type, timestamp, duration, data });
  }
  return {
    config,
    turn: { degrees: await track.getRotation(), mirrored: await track.getFlip() },
    firstTimestamp: (await track.getFirstTimestamp()) * 1e6,
    packets,
  };
}

// What it throws ends the thread with that error, which the other side takes for a damaged file.
parentPort?.postMessage(await demux(workerData as Uint8Array));

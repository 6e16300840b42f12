/**
 * @file A reference video to the frames that a request needs. mediabunny takes the file apart, the codec library decodes to YUV, the
 * rest is ours: colours by the tags, upright, stretched to size, and of each moment that the request shows the nearest frame.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VideoFrame } from '@napi-rs/webcodecs';
import { EncodedPacketSink, FilePathSource, Input, type InputVideoTrack, MP4, QTFF, WEBM } from 'mediabunny';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { readFrame } from './read-frame.ts';
import { resizeLanczos, type Size } from './resize-lanczos.ts';
import { type Turn, turnUpright } from './turn.ts';

/** What of a video is needed. */
export interface Wanted extends Size {
  readonly frames: number;
  readonly fps: number;
}

/** Packets that the decoder may hold: with them all its reference frames it has some 300 MB at the largest size. */
const MAX_QUEUED = 4;

/**
 * The first frames / fps seconds of an MP4, QuickTime or WebM file -> RGB [frames, height, width, 3]: frame k is the one nearest to
 * second k / fps. Throws `invalid_reference` for a file that cannot be decoded, or that ends before the last moment.
 */
export async function readReferenceVideo(path: string, wanted: Wanted): Promise<Uint8Array> {
  const alive = setInterval(() => undefined, 1000); // the decoder's threads do not keep the event loop open
  try {
    using input = new Input({ formats: [MP4, QTFF, WEBM], source: new FilePathSource(path) });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) throw invalidVideo('it holds no video track');
    return await decode(track, wanted);
  } catch (error) {
    throw error instanceof ReelayError ? error : invalidVideo('it is damaged, or its codec is not known here', error);
  } finally {
    clearInterval(alive);
  }
}

async function decode(track: InputVideoTrack, wanted: Wanted): Promise<Uint8Array> {
  const { VideoDecoder, EncodedVideoChunk } = await import('@napi-rs/webcodecs');
  const config = await track.getDecoderConfig();
  if (config === null) throw invalidVideo('its codec is not known here');
  const turn = { degrees: await track.getRotation(), mirrored: await track.getFlip() };
  const picker = pickFrames(wanted, turn, Math.max(0, await track.getFirstTimestamp()));
  const decoded: VideoFrame[] = [];
  let failure: Error | undefined;
  const decoder = new VideoDecoder({
    output: frame => void decoded.push(frame),
    error: error => {
      failure ??= error;
    },
  });
  const takeDecoded = async () => {
    for (let frame = decoded.shift(); frame !== undefined; frame = decoded.shift()) await picker.take(frame);
    if (failure !== undefined) throw failure;
  };
  try {
    decoder.configure(config as Parameters<typeof decoder.configure>[0]);
    let packets = 0;
    for await (const packet of new EncodedPacketSink(track).packets()) {
      if (++packets > limits.maxReferenceFrames)
        throw invalidVideo(`it has more than ${limits.maxReferenceFrames} frames`);
      const { type, data, microsecondTimestamp: timestamp, microsecondDuration: duration } = packet;
      decoder.decode(new EncodedVideoChunk({ type, timestamp, duration, data }));
      do {
        await nextTurn();
        await takeDecoded();
      } while (decoder.decodeQueueSize > MAX_QUEUED);
      if (picker.isDone()) return picker.rgb;
    }
    await decoder.flush();
    await takeDecoded();
    await picker.end();
    return picker.rgb;
  } finally {
    for (const frame of decoded) frame.close();
    picker.close();
    if (decoder.state !== 'closed') decoder.close();
  }
}

/** Takes frames in the order of their times and keeps those that are wanted. `originSeconds` is when the video begins. */
function pickFrames({ width, height, frames, fps }: Wanted, turn: Turn, originSeconds: number) {
  const bytes = width * height * 3;
  const rgb = new Uint8Array(frames * bytes);
  let picked = 0;
  let last: VideoFrame | undefined;
  let lastPicked: VideoFrame | undefined;
  const moment = () => originSeconds * 1e6 + (picked * 1e6) / fps; // microseconds, as the frames have them
  const pick = async (frame: VideoFrame) => {
    if (frame === lastPicked) rgb.copyWithin(picked * bytes, (picked - 1) * bytes, picked * bytes);
    else {
      const upright = turnUpright(await readFrame(frame), turn);
      rgb.set(resizeLanczos(upright.rgb, upright, { width, height }), picked * bytes);
    }
    lastPicked = frame;
    picked++;
  };
  return {
    rgb,
    isDone: () => picked === frames,
    /** The frame is closed here, when the next one has come. */
    async take(frame: VideoFrame): Promise<void> {
      const before = last;
      last = frame;
      while (picked < frames && moment() <= frame.timestamp) {
        const isNearer = before !== undefined && moment() - before.timestamp <= frame.timestamp - moment();
        await pick(isNearer ? before : frame);
      }
      before?.close();
    },
    /** No more frames come: the last is shown for as long as it lasts. */
    async end(): Promise<void> {
      if (last === undefined) throw invalidVideo('it holds no frame');
      const endsAt = last.timestamp + (last.duration || 1e6 / fps);
      while (picked < frames) {
        if (moment() > endsAt + 1)
          throw invalidVideo(`it ends before the ${frames} frames at ${fps} a second that are asked for`);
        await pick(last);
      }
    },
    close: () => last?.close(),
  };
}

function invalidVideo(why: string, cause?: unknown): ReelayError {
  return new ReelayError('invalid_reference', `input_reference: this video cannot be read: ${why}.`, { cause });
}

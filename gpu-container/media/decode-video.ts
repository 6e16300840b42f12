/**
 * @file A reference video to the frames that a request needs. mediabunny takes the file apart, the codec library decodes to YUV, the
 * rest is ours: colours by the tags, upright, stretched to size, and of each moment that the request shows the nearest frame.
 */
import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { VideoFrame } from '@napi-rs/webcodecs';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { readMediaFacts } from '#core/references/media-facts.ts';
import { isImage, sniffMedia } from '#core/references/media-type.ts';
import { openCodedSizes } from './coded-size.ts';
import { type Demuxed, demux } from './demux.ts';
import { readFrame } from './read-frame.ts';
import { resizeRgb, type Size } from './resize.ts';
import { type Turn, turnUpright } from './turn.ts';

/** What of a video is needed. */
export interface Wanted extends Size {
  readonly frames: number;
  readonly fps: number;
}

/** Packets that the decoder may hold: enough to keep its threads busy, few enough that frames do not pile up. */
const MAX_QUEUED = 4;

/**
 * The first frames / fps seconds of an MP4, QuickTime or WebM file -> RGB [frames, height, width, 3]: frame k is the one nearest to
 * second k / fps. `checkpoint` is awaited between two packets; reject to stop. Throws `invalid_reference` for a file that cannot be decoded, or
 * that ends before the last moment, and what `checkpoint` rejects with.
 */
export async function readReferenceVideo(
  path: string,
  wanted: Wanted,
  checkpoint: () => Promise<unknown> = nextTurn,
): Promise<Uint8Array> {
  const file = await readFile(path);
  const type = sniffMedia(file);
  // The door has looked already; a file that was changed since is no file of ours.
  const facts = type === undefined || isImage(type) ? 'it is no video' : readMediaFacts(file, type);
  const video = typeof facts === 'string' ? facts : await demux(file);
  if (typeof video === 'string') throw invalidVideo(video);
  const alive = setInterval(() => undefined, 1000); // the decoder's threads do not keep the event loop open
  let stopped: unknown;
  const mayGoOn = async () => {
    await checkpoint().catch(reason => {
      stopped = reason;
      throw reason;
    });
  };
  try {
    return await decode(video, wanted, mayGoOn);
  } catch (error) {
    throw error === stopped || error instanceof ReelayError ? error : invalidVideo('it is damaged', error);
  } finally {
    clearInterval(alive);
  }
}

async function decode(
  { config, turn, firstTimestamp, packets }: Demuxed,
  wanted: Wanted,
  mayGoOn: () => Promise<void>,
): Promise<Uint8Array> {
  const { VideoDecoder, EncodedVideoChunk } = await import('@napi-rs/webcodecs');
  const picker = pickFrames(wanted, turn, Math.max(0, firstTimestamp));
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
    const sizesIn = openCodedSizes(config);
    decoder.configure(config as Parameters<typeof decoder.configure>[0]);
    for (const packet of packets) {
      await mayGoOn();
      checkSizes(sizesIn(packet.data));
      decoder.decode(new EncodedVideoChunk(packet));
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

/** Takes frames in the order of their times and keeps those that are wanted. `origin` is when the video begins, microseconds. */
function pickFrames({ width, height, frames, fps }: Wanted, turn: Turn, origin: number) {
  const bytes = width * height * 3;
  const rgb = new Uint8Array(frames * bytes);
  let picked = 0;
  let last: VideoFrame | undefined;
  let lastPicked: VideoFrame | undefined;
  const moment = () => origin + (picked * 1e6) / fps; // microseconds, as the frames have them
  const pick = async (frame: VideoFrame) => {
    if (frame === lastPicked) rgb.copyWithin(picked * bytes, (picked - 1) * bytes, picked * bytes);
    else {
      const upright = turnUpright(await readFrame(frame), turn);
      rgb.set(resizeRgb(upright.rgb, upright, { width, height }), picked * bytes);
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

/** Before the decoder makes room. */
function checkSizes(sizes: readonly Size[]): void {
  for (const { width, height } of sizes)
    if (width * height > limits.maxReferenceFramePixels)
      throw invalidVideo(
        `got frames of ${width}x${height}; at most ${limits.maxReferenceFramePixels} pixels are taken`,
      );
}

function invalidVideo(why: string, cause?: unknown): ReelayError {
  return new ReelayError('invalid_reference', `input_reference: this video cannot be read: ${why}.`, { cause });
}

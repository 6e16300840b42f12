import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteRange, ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';

/** What an attempt brings before it counts as progress: a server that gives a few bytes at a time must not hold us for ever. */
const PROGRESS_BYTES = 1_048_576;

/** For tests; the limits otherwise. */
export interface RangePatience {
  readonly stallMs: number;
  readonly retryMs: number;
}

const usual: RangePatience = { stallMs: limits.bundleStallMs, retryMs: limits.bundleRetryMs };

/**
 * All bytes of a range, however often the connection is cut: each attempt asks for what is still missing. Throws `bundle_corrupt` where
 * there is no such object, `store_unavailable` after limits.bundleTries attempts without progress, the signal's reason when aborted. The
 * bytes come in `room` where that is given: it is at least as large, and the caller's again afterwards.
 */
export async function readRange(
  source: ObjectSource,
  key: string,
  range: ByteRange,
  signal: AbortSignal,
  patience: RangePatience = usual,
  room: Buffer = Buffer.allocUnsafeSlow(range.end - range.start + 1),
): Promise<Buffer> {
  const bytes = room.subarray(0, range.end - range.start + 1);
  let have = 0;
  for (let failures = 0; have < bytes.length; ) {
    const before = have;
    const error = await attempt(source, key, range, signal, patience.stallMs, piece => {
      if (piece.length > bytes.length - have) throw tooMuch(source, key);
      bytes.set(piece, have);
      have += piece.length;
      return have;
    });
    signal.throwIfAborted();
    if (have === bytes.length) break;
    if (error instanceof ReelayError && !error.retryable) throw error;
    failures = have - before >= PROGRESS_BYTES ? 0 : failures + 1;
    if (failures >= limits.bundleTries) throw gaveUp(source, key, have, bytes.length, error);
    await sleep(Math.min(limits.bundleRetryMostMs, patience.retryMs * 2 ** failures), undefined, { signal });
  }
  return bytes;
}

/** Bytes of an object, asked for as often as a range is; undefined where there is none. */
export async function sizeOf(
  source: ObjectSource,
  key: string,
  signal: AbortSignal,
  patience: RangePatience = usual,
): Promise<number | undefined> {
  for (let failures = 1; ; failures++)
    try {
      return await source.size(key, AbortSignal.any([signal, AbortSignal.timeout(patience.stallMs)]));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ReelayError && !error.retryable) throw error;
      if (failures >= limits.bundleTries) throw gaveUp(source, key, 0, 0, error);
      await sleep(Math.min(limits.bundleRetryMostMs, patience.retryMs * 2 ** failures), undefined, { signal });
    }
}

/** One request for what is missing; the error it ended with, undefined where it just ended. `take` says how much there is now. */
async function attempt(
  source: ObjectSource,
  key: string,
  range: ByteRange,
  signal: AbortSignal,
  stallMs: number,
  take: (piece: Uint8Array) => number,
): Promise<unknown> {
  const stalled = new AbortController();
  const stall = () =>
    stalled.abort(new ReelayError('store_unavailable', `${source.name} sent nothing for ${stallMs} ms.`));
  let timer = setTimeout(stall, stallMs);
  const both = AbortSignal.any([signal, stalled.signal]);
  try {
    const start = range.start + take(new Uint8Array(0));
    const stream = await source.read(key, { start, end: range.end }, both);
    if (stream === undefined) return missing(source, key);
    for await (const piece of abortable(stream, both)) {
      take(piece);
      clearTimeout(timer);
      timer = setTimeout(stall, stallMs);
    }
    return undefined;
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A stream that is given up on the signal, also where the source itself does not look at it. One listener, taken away again: a race with a
 * promise that outlives the pieces would keep every one of them.
 */
async function* abortable(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream[Symbol.asyncIterator]();
  let giveUp: (reason: unknown) => void = () => undefined;
  const onAbort = () => giveUp(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        giveUp = reject;
        reader.next().then(resolve, reject);
      });
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    void reader.return?.()?.catch(() => undefined); // closes the connection; a hung one must not be waited for
  }
}

function missing(source: ObjectSource, key: string): ReelayError {
  return new ReelayError('bundle_corrupt', `${source.name}: there is no ${key}.`);
}

function tooMuch(source: ObjectSource, key: string): ReelayError {
  const said = `${source.name} sent more of ${key} than it was asked for: it does not serve ranges.`;
  return new ReelayError('store_unavailable', said, { retryable: false });
}

function gaveUp(source: ObjectSource, key: string, have: number, all: number, cause: unknown): ReelayError {
  const why = cause instanceof Error ? cause.message : 'the connection ended early';
  return new ReelayError(
    'store_unavailable',
    `${source.name}: ${key} could not be read${all === 0 ? '' : ` (${have} of ${all} bytes of a range came)`}: ${why}`,
    { cause },
  );
}

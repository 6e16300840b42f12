import type { Readable } from 'node:stream';

/**
 * The stream's bytes, with its errors put through `translate`. Leaving the loop early, or `return` before the first read, frees the
 * file or socket below: a generator that was never started would not run its `finally`, so the iterator is spelled out.
 */
export function translatedStream(stream: Readable, translate: (error: unknown) => Error): AsyncIterable<Uint8Array> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        return await chunks.next();
      } catch (error) {
        throw translate(error);
      }
    },
    async return() {
      stream.destroy();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

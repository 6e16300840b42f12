/** Decodes the files that it is told of, one at a time, as a render child does. */
import { readFile } from 'node:fs/promises';
import { ReelayError } from '#core/errors.ts';
import { sniffMedia } from '#core/references/media-type.ts';
import { readReferenceImage } from '#gpu-container/media/decode-image.ts';
import { readReferenceVideo } from '#gpu-container/media/decode-video.ts';

/** What came of one file. */
export interface Decoded {
  readonly outcome: 'decoded' | 'refused' | 'strange';
  /** The error's own words, where it is none of ours. */
  readonly what: string;
  readonly ms: number;
  readonly rssMb: number;
}

process.on('message', async (path: string) => {
  const started = performance.now();
  const isImage = sniffMedia(await readFile(path))?.startsWith('image/') === true;
  const size = { width: 32, height: 32 };
  const read = isImage ? readReferenceImage(path, size) : readReferenceVideo(path, { ...size, frames: 6, fps: 8 });
  const [outcome, what] = await read.then(
    () => ['decoded', ''] as const,
    error =>
      error instanceof ReelayError && error.code === 'invalid_reference'
        ? (['refused', ''] as const)
        : (['strange', String(error)] as const),
  );
  const answer: Decoded = {
    outcome,
    what,
    ms: performance.now() - started,
    rssMb: process.memoryUsage().rss / 1e6,
  };
  process.send!(answer);
});

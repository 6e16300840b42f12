import type { VideoRequest } from '#core/video-request.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { generateFrames } from './generate-frames.ts';
import { openModel } from './model.ts';
import { rgbOf } from './video-decoder.ts';

/** The networks of a bundle with nothing around them. */
export interface BareInference {
  /** Milliseconds from prompt to RGB frames: the same networks as a job, without queue, child process, cache or files. */
  run(request: VideoRequest): Promise<number>;
  release(): Promise<void>;
}

/** For test/bench: what a job costs above this is our overhead. Blocks the event loop while it runs. */
export async function openBareInference(options: { folder: string; threads: number }): Promise<BareInference> {
  const model = await openModel(await loadBundle(options.folder), createOrtBackend({ threads: options.threads }));
  return {
    async run(request) {
      const started = performance.now();
      const { chunks, clip } = await generateFrames(model, request);
      for await (const chunk of chunks) rgbOf(chunk, clip);
      return performance.now() - started;
    },
    release: () => model.release(),
  };
}

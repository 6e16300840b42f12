import { ReelayError } from '#core/errors.ts';
import type { Renderer } from './renderer.ts';

/** Which bundles are watched, and who hears of one that has rotted. */
export interface BundleWatch {
  /** Models whose bundles this worker fetched: each was whole when it was written here. */
  readonly fetched: ReadonlySet<string>;
  /** Called with the model at each loss. The job that met it goes back to the queue, for another worker or another disk. */
  readonly onRotten: (model: string, error: ReelayError) => void;
}

/**
 * A renderer that does not blame a job for its machine's disk. What a worker fetched had the right bytes; where a render child finds others,
 * the disk or somebody on it has changed them, and every job of that model would fail here for good while all others render it well.
 */
export function watchBundles(renderer: Renderer, { fetched, onRotten }: BundleWatch): Renderer {
  return {
    ...renderer,
    render: async (task, options) => {
      try {
        return await renderer.render(task, options);
      } catch (error) {
        const { model } = task.request;
        if (!(error instanceof ReelayError && error.code === 'bundle_corrupt' && fetched.has(model))) throw error;
        const rotten = new ReelayError('bundle_corrupt', error.message, { cause: error, retryable: true });
        onRotten(model, rotten);
        throw rotten;
      }
    },
  };
}

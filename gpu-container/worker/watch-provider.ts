import { ReelayError } from '#core/errors.ts';
import type { Provider } from '#core/provider.ts';
import type { Renderer } from './renderer.ts';
import { runProbe } from './run-probe.ts';

/** What is watched, and who hears of its loss. */
export interface ProviderWatch {
  readonly provider: Provider;
  /** Called at each loss. The job that met the loss has failed with the same code and goes back to the queue, for another worker. */
  readonly onLost: (error: ReelayError) => void;
  /** For tests. */
  readonly probe?: typeof runProbe;
}

/**
 * A renderer whose worker hears when its provider is gone: after a failure with `provider_unavailable` the provider is probed again, and
 * where even a small graph does not run any more, this machine can render nothing. Where it runs, the fault lies with the one bundle.
 */
export function watchProvider(renderer: Renderer, watch: ProviderWatch): Renderer {
  const probe = watch.probe ?? runProbe;
  return {
    ...renderer,
    render: async (task, options) => {
      try {
        return await renderer.render(task, options);
      } catch (error) {
        if (error instanceof ReelayError && error.code === 'provider_unavailable') {
          const found = await probe(watch.provider);
          if (!found.ok) watch.onLost(new ReelayError('provider_unavailable', `${found.reason} This worker ends.`));
        }
        throw error;
      }
    },
  };
}

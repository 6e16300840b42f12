/** @file The timesteps of PNDMScheduler: some are visited more than once. */
import { type SpacingConfig, spacedTimesteps } from './timestep-spacing.ts';

/** A run's timesteps, of which the first `rungeKutta` are those of its rounds of four. */
export interface PndmTimesteps {
  readonly timesteps: number[];
  readonly rungeKutta: number[];
}

/** set_timesteps of the original. RangeError where Runge-Kutta has fewer than four timesteps to start with. */
export function pndmTimesteps(
  config: SpacingConfig & { readonly skip_prk_steps: boolean },
  steps: number,
): PndmTimesteps {
  const spaced = spacedTimesteps(config, steps);
  if (config.skip_prk_steps) {
    const [first, second, ...rest] = spaced;
    const timesteps = second === undefined ? [first!] : [first!, second, second, ...rest];
    return { timesteps, rungeKutta: [] };
  }
  if (spaced.length < 4) throw new RangeError(`scheduler: got ${steps} steps; PNDM needs 4, or skip_prk_steps.`);
  const half = Math.floor(Math.floor(config.num_train_timesteps / steps) / 2);
  // From the fourth highest up, each with the middle to the next; doubled within, then turned to go down.
  const climb = spaced
    .slice(0, 4)
    .reverse()
    .flatMap(t => [t, t + half]);
  const doubled = climb.slice(0, -1).flatMap(t => [t, t]);
  const rungeKutta = doubled.slice(1, -1).reverse();
  return { timesteps: [...rungeKutta, ...spaced.slice(3)], rungeKutta };
}

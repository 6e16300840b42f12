/**
 * @file Which of the training timesteps a run visits: evenly from end to end, from the bottom up (leading), or from the top down
 * (trailing), as table 2 of Lin et al. 2023, arXiv 2305.08891, has them.
 */
import { countDown, linspace, roundHalfEven } from './numpy.ts';
import { choice, type Field, integer } from './read-config.ts';

/** The values of timestep_spacing. */
export type Spacing = 'linspace' | 'leading' | 'trailing';

/** The config keys of the spacing, with a class's default. */
export const spacingFields = (initial: Spacing) => ({
  timestep_spacing: choice<Spacing>(initial, ...SPACINGS.filter(one => one !== initial)) as Field<Spacing>,
  steps_offset: integer(0),
});

const SPACINGS: readonly Spacing[] = ['linspace', 'leading', 'trailing'];

/** What of a config the spacing depends on. */
export interface SpacingConfig {
  readonly timestep_spacing: Spacing;
  readonly steps_offset: number;
  readonly num_train_timesteps: number;
}

/** DDIM and its kin: `steps` integers, highest first. */
export function spacedTimesteps(config: SpacingConfig, steps: number): number[] {
  return spaced(config, steps, roundHalfEven);
}

/** Euler and its kin: linspace is not rounded to integers, but to float32. */
export function fractionalTimesteps(config: SpacingConfig, steps: number): number[] {
  return spaced(config, steps, Math.fround);
}

function spaced(config: SpacingConfig, steps: number, round: (value: number) => number): number[] {
  const { num_train_timesteps: train, steps_offset: offset } = config;
  if (config.timestep_spacing === 'linspace')
    return linspace(0, train - 1, steps)
      .map(round)
      .reverse();
  if (config.timestep_spacing === 'trailing') return trailing(train, train, steps);
  const ratio = Math.floor(train / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + offset);
}

/**
 * The multistep solvers: spaced for one step more, whose lowest timestep is dropped. `last` is one above the highest timestep
 * allowed; num_train_timesteps unless lambda is clipped.
 */
export function solverTimesteps(config: SpacingConfig, steps: number, last: number): number[] {
  const { num_train_timesteps: train, steps_offset: offset } = config;
  if (config.timestep_spacing === 'linspace')
    return linspace(0, last - 1, steps + 1)
      .map(roundHalfEven)
      .reverse()
      .slice(0, -1);
  if (config.timestep_spacing === 'trailing') return trailing(last, train, steps);
  const ratio = Math.floor(last / (steps + 1));
  return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + offset);
}

function trailing(last: number, train: number, steps: number): number[] {
  return countDown(last, train / steps).map(t => roundHalfEven(t) - 1);
}

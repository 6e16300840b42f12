import type { World } from './world.ts';

/** What a controller wants: servers by pool index (NaN: as they are), and servers to stop by name. */
export interface Orders {
  readonly desired: Float64Array;
  cancel: readonly string[];
  drain: readonly string[];
}

/**
 * A policy at work in one simulation; it may remember. It decides on every tick and, where `everyEvent`, after every event.
 * It reads the world and writes only the orders, which keep their last values.
 */
export interface Controller {
  readonly tickSeconds: number;
  readonly everyEvent: boolean;
  decide(world: World, orders: Orders): void;
}

/** A policy of the tables: a name with its settings, and a fresh controller for each simulation. */
export interface Policy {
  readonly name: string;
  readonly create: () => Controller;
  /** Owned servers take the oldest job, whoever's it is; otherwise those first that must stay on the premises. */
  readonly ownedFifo?: boolean;
}

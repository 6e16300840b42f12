import { decide, firstState } from '../decide.ts';
import type { Decision, Observation, PlacementState, Tier, Waiting } from '../types.ts';
import type { Controller, Policy } from './controller.ts';
import type { World } from './world.ts';

function waitingOf(world: World): readonly Waiting[] {
  const { jobs, openQueue, sovereignQueue } = world;
  if (sovereignQueue.length === 0) return openQueue.map(job => jobs[job]!);
  return [...openQueue, ...sovereignQueue].sort((a, b) => a - b).map(job => jobs[job]!);
}

/** What production would see of a simulated fleet. The workers are shared: read it before the world moves on. */
export function observe(world: World, waitTargetSeconds: Readonly<Record<Tier, number>>): Observation {
  const refusedAtSeconds: Record<string, number> = {};
  for (const [i, count] of world.counts.entries()) {
    if (Number.isFinite(count.refusedAt)) refusedAtSeconds[world.pools[i]!.id] = count.refusedAt;
  }
  return {
    nowSeconds: world.now,
    waiting: waitingOf(world),
    arrived: world.arrived,
    started: world.started,
    workers: world.live,
    pools: world.pools,
    waitTargetSeconds,
    refusedAtSeconds,
  };
}

/** One logged call: its replay gives the same decision bit by bit. */
export type LogCall = (o: Observation, s: PlacementState, decision: Decision) => void;

function createController(targetSeconds: number, log?: LogCall): Controller {
  const targets = { interactive: targetSeconds, standard: targetSeconds, batch: targetSeconds };
  let state: PlacementState | undefined;
  return {
    tickSeconds: 10,
    everyEvent: true,
    decide: (world, orders) => {
      const o = observe(world, targets);
      const before = state ?? firstState(o);
      const decision = decide(o, before);
      log?.(o, before, decision);
      state = decision.state;
      world.arrived = [];
      world.started = [];
      orders.cancel = decision.cancel;
      orders.drain = decision.drain;
      for (const [i, pool] of world.pools.entries()) orders.desired[i] = decision.desired[pool.id] ?? Number.NaN;
    },
  };
}

/** The policy `horizon`, the very functions of production, with one wait target. */
export function horizon(targetSeconds: number, log?: LogCall): Policy {
  return { name: `horizon D=${targetSeconds}`, create: () => createController(targetSeconds, log) };
}

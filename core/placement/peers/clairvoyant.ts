/**
 * A planner that knows the future of its trace: true services, all arrivals within a cold start and a target, and which idle server
 * will be wanted again. No policy can know that; it tells how far one is from the best.
 */
import { hardWait, rankCount } from '../horizon.ts';
import { createLateness, type Expected } from '../lateness.ts';
import { pickCancelled, scaleOut } from '../scale.ts';
import type { Controller, Policy } from '../simulation/controller.ts';
import type { Trace } from '../simulation/trace.ts';
import type { SimulatedWorker, World } from '../simulation/world.ts';
import type { FleetView } from '../view.ts';

/** One of its settings; the cheapest is sought in hindsight. Its cold start is its mean, in seconds. */
export interface ClairvoyantSettings {
  readonly targetSeconds: number;
  readonly slackSeconds: number;
  readonly lambda: number;
  readonly coldSeconds: number;
}

/** The jobs of each rank of the virtual fleet: when they come, and until when the rank is then busy. */
interface RankFuture {
  readonly hits: number[];
  readonly busyUntil: number[];
  /** Jobs that have come. */
  seen: number;
}

function foresee(trace: Trace, slackSeconds: number): readonly RankFuture[] {
  const ranks: RankFuture[] = Array.from({ length: rankCount }, () => ({ hits: [], busyUntil: [], seen: 0 }));
  for (const [i, t] of trace.arrivals.entries()) {
    const free = (rank: RankFuture) => rank.busyUntil.at(-1) ?? 0;
    const rank = ranks.find(r => free(r) - t <= slackSeconds) ?? ranks.at(-1)!;
    rank.hits.push(t);
    rank.busyUntil.push(Math.max(free(rank), t) + trace.services[i]!);
  }
  return ranks;
}

/** A rank is held if it is busy, or wanted within a cold start. */
function heldRanks(ranks: readonly RankFuture[], now: number, cold: number, max: number, live: number): number {
  let held = 0;
  for (let k = 0; k < max; k++) {
    const rank = ranks[k]!;
    while (rank.seen < rank.hits.length && rank.hits[rank.seen]! <= now) rank.seen++;
    const busy = rank.seen > 0 && rank.busyUntil[rank.seen - 1]! > now;
    if (busy || (rank.hits[rank.seen] ?? Number.POSITIVE_INFINITY) <= now + cold) held++;
    else if (k > live + 2) break;
  }
  return held;
}

/** The fleet with true services in place of estimates. */
function trueView(world: World, settings: ClairvoyantSettings): FleetView {
  const { trace, now } = world;
  const { targetSeconds, coldSeconds } = settings;
  const phase = (name: SimulatedWorker['phase']) => world.live.filter(worker => worker.phase === name);
  const busy = phase('busy').map(worker => ({
    ...worker,
    freeAtSeconds: worker.startedJobAt + world.remaining[worker.job]!,
  }));
  return {
    now,
    target: targetSeconds,
    cold: coldSeconds,
    coldQuantiles: [coldSeconds],
    owned: [],
    idle: phase('idle'),
    busy,
    launching: phase('launching'),
    live: world.live.length,
    min: 0,
    max: world.pools[0]!.maxServers,
    sovereign: [],
    cloudOnly: new Set(),
    open: world.openQueue.map(job => ({ ...world.jobs[job]!, estimateSeconds: trace.services[job]! })),
    waitTargetSeconds: { interactive: targetSeconds, standard: targetSeconds, batch: targetSeconds },
  };
}

const mostForeseen = 150;

function createController(trace: Trace, settings: ClairvoyantSettings): Controller {
  const ranks = foresee(trace, settings.slackSeconds);
  const { targetSeconds, coldSeconds, lambda } = settings;
  let next = 0;
  const expect = (now: number): Expected => {
    const { arrivals, services } = trace;
    let end = next;
    const horizon = now + coldSeconds + targetSeconds + 30;
    while (end < arrivals.length && end - next < mostForeseen && arrivals[end]! <= horizon) end++;
    return { times: Array.from(arrivals.subarray(next, end)), services: Array.from(services.subarray(next, end)) };
  };
  const wakeAgeSeconds = hardWait(targetSeconds, coldSeconds);
  return {
    tickSeconds: 10,
    everyEvent: true,
    decide: (world, orders) => {
      const { now } = world;
      while (next < trace.arrivals.length && trace.arrivals[next]! <= now) next++;
      orders.cancel = [];
      orders.desired[0] = 0;
      const view = trueView(world, settings);
      const late = createLateness(view, { lambda, meanServiceSeconds: 0 }, expect(now));
      const added = scaleOut(view, late, { priceRatio: 1, wakeAgeSeconds, lazy: true });
      orders.desired[0] = view.live + added;
      if (added > 0) return;
      const cancelled = pickCancelled(view, late);
      const held = heldRanks(ranks, now, coldSeconds, view.max, view.live);
      const kept = view.busy.length + view.launching.length - cancelled.length;
      orders.cancel = cancelled.map(worker => worker.id);
      orders.desired[0] = Math.max(kept, Math.min(view.live - cancelled.length, held));
    },
  };
}

/** The planner that knows the future of this trace. */
export function clairvoyant(trace: Trace, settings: ClairvoyantSettings): Policy {
  const { targetSeconds, slackSeconds, lambda } = settings;
  return {
    name: `clairvoyant D=${targetSeconds} slack=${slackSeconds} lambda=${lambda}`,
    create: () => createController(trace, settings),
  };
}

/** Its settings for a target: the cheapest that waits no longer than the policy is the yardstick. */
export function clairvoyantGrid(trace: Trace, targetSeconds: number, coldSeconds: number): readonly Policy[] {
  return [0.9, 1].flatMap(d =>
    [0.25, 0.5, 0.8].flatMap(slack =>
      [60, 200].map(lambda =>
        clairvoyant(trace, {
          targetSeconds: d * targetSeconds,
          slackSeconds: slack * targetSeconds,
          lambda,
          coldSeconds,
        }),
      ),
    ),
  );
}

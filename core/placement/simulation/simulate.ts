/**
 * The simulator: a heap of events by time, then insertion. Each event updates the world; then idle servers get work, the policy
 * decides, its orders are applied, and idle servers get work again. It ends with the last job.
 */
import { isSovereign } from '../route.ts';
import type { Pool, Residency, Waiting } from '../types.ts';
import type { Controller, Orders, Policy } from './controller.ts';
import { dispatch } from './dispatch.ts';
import { eventKind, type PoppedEvent, popEvent, pushEvent } from './event-heap.ts';
import { launch, resize, stop, stopNamed } from './fleet.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import { type Draw, exponential, normal } from './random.ts';
import { type Trace, tierNames } from './trace.ts';
import { createWorld, type World } from './world.ts';

/** One simulation: a trace, the pools and a policy; the rest has the defaults of the published figures. */
export interface SimulationSettings {
  readonly trace: Trace;
  readonly pools: readonly Pool[];
  readonly policy: Policy;
  /** Of the one random stream; 1 where absent. */
  readonly seed?: number;
  /** Median of the log-normal cold start, deviation .4, held between half and twice of it; 120 s where absent. */
  readonly medianColdSeconds?: number;
  /** A cold start that is always the same, in place of the log-normal one; it draws nothing. */
  readonly fixedColdSeconds?: number;
  /** Means of a Spot server's life and of the times a Spot pool is up and down. Absent: 6 h, 6 h, 30 min. */
  readonly spot?: { readonly lifeSeconds: number; readonly upSeconds: number; readonly downSeconds: number };
  /** A policy that has not ended after so many events is cut; 6 million where absent. */
  readonly maxEvents?: number;
  /** And one whose decisions looked at so many waiting jobs together: a queue that only grows. Never where absent. */
  readonly maxWork?: number;
}

const anywhere: Residency = { sites: ['onprem', 'cloud'] };
const premises: Residency = { sites: ['onprem'] };

/** The name of the only model of a simulated trace. */
export const simulatedModel = 'model';

/** The jobs of a trace as the scheduler meets them; each estimate is off by up to 10 %, the same for all policies. */
export function waitingJobs(trace: Trace): readonly Waiting[] {
  return Array.from(trace.arrivals, (enqueuedAtSeconds, i) => {
    const noise = 43758.5453 * Math.sin(12.9898 * (i + 1));
    const h = noise - Math.floor(noise);
    return {
      id: `j${i}`,
      model: simulatedModel,
      tier: tierNames[trace.tiers?.[i] ?? 1]!,
      residency: trace.sovereign?.[i] === 1 ? premises : anywhere,
      enqueuedAtSeconds,
      estimateSeconds: trace.services[i]! * (1 + 0.1 * (2 * h - 1)),
      count: 1,
    };
  });
}

const known = new WeakMap<Trace, readonly Waiting[]>();

/** The same array for the same trace: a grid of 248 settings builds it once. */
function jobsOf(trace: Trace): readonly Waiting[] {
  const jobs = known.get(trace) ?? waitingJobs(trace);
  known.set(trace, jobs);
  return jobs;
}

/** Outages of Spot pools are drawn first, to the end of the trace and a day. */
function drawOutages(world: World, spot: { readonly upSeconds: number; readonly downSeconds: number }): void {
  const end = (world.trace.arrivals.at(-1) ?? 0) + 86_400;
  for (const [i, pool] of world.pools.entries()) {
    if (pool.kind !== 'spot') continue;
    for (let t = exponential(world.draw, spot.upSeconds); t < end; t += exponential(world.draw, spot.upSeconds)) {
      pushEvent(world.events, t, eventKind.outage, i);
      t += exponential(world.draw, spot.downSeconds);
      pushEvent(world.events, t, eventKind.outage, i);
    }
  }
}

function onFinish(world: World, index: number): void {
  const worker = world.workers[index]!;
  const job = worker.job;
  world.finish[job] = world.now;
  world.finished++;
  worker.job = -1;
  world.counts[worker.poolIndex]!.busySeconds += world.now - worker.startedJobAt;
  if (worker.phase === 'draining') {
    stop(world, worker);
    return;
  }
  worker.phase = 'idle';
  worker.idleSinceSeconds = world.now;
  const count = world.counts[worker.poolIndex]!;
  count.busy--;
  count.idle++;
}

/** A Spot server goes; its job returns to the front of its queue with the whole steps it has done kept. */
function onPreempt(world: World, index: number): void {
  const worker = world.workers[index]!;
  if (worker.gone) return;
  world.preemptions++;
  if (worker.job >= 0) {
    const { job } = worker;
    const done = world.now - worker.startedJobAt;
    const kept = world.keptStepSeconds * Math.floor(done / world.keptStepSeconds);
    world.remaining[job]! -= kept;
    (isSovereign(world.jobs[job]!, world.pools) ? world.sovereignQueue : world.openQueue).unshift(job);
    worker.job = -1;
    const count = world.counts[worker.poolIndex]!;
    count.busySeconds += done;
    count.preemptedSeconds += done - kept;
    count.lostStepSeconds += done - kept;
  }
  stop(world, worker, 'preempted');
}

function onArrival(world: World, job: number): void {
  if (job + 1 < world.jobs.length) {
    pushEvent(world.events, world.trace.arrivals[job + 1]!, eventKind.arrival, job + 1);
  }
  const waiting = world.jobs[job]!;
  (isSovereign(waiting, world.pools) ? world.sovereignQueue : world.openQueue).push(job);
  world.arrived.push(waiting);
}

function update(world: World, event: PoppedEvent, tickSeconds: number): void {
  const { kind, subject } = event;
  if (kind === eventKind.tick) pushEvent(world.events, event.time + tickSeconds, eventKind.tick, 0);
  else if (kind === eventKind.arrival) onArrival(world, subject);
  else if (kind === eventKind.preempt) onPreempt(world, subject);
  else if (kind === eventKind.outage) world.counts[subject]!.down = !world.counts[subject]!.down;
  else if (kind === eventKind.finish) {
    // A preempted server's finish is still in the heap.
    if (!world.workers[subject]!.gone) onFinish(world, subject);
  } else {
    const worker = world.workers[subject]!;
    if (worker.gone) return;
    const count = world.counts[worker.poolIndex]!;
    count.launching--;
    count.idle++;
    count.coldSeconds += world.now - worker.launchedAtSeconds;
    worker.phase = 'idle';
    worker.idleSinceSeconds = world.now;
  }
}

function apply(world: World, orders: Orders): void {
  if (orders.cancel.length > 0) stopNamed(world, orders.cancel, 'launching');
  if (orders.drain.length > 0) stopNamed(world, orders.drain, 'idle');
  for (let i = 0; i < world.pools.length; i++) {
    const pool = world.pools[i]!;
    const desired = orders.desired[i]!;
    if (pool.kind === 'fixed' || Number.isNaN(desired)) continue;
    resize(world, i, Math.min(pool.maxServers, Math.max(pool.minServers, desired)));
  }
}

function run(world: World, controller: Controller, maxEvents: number, maxWork: number): number {
  const orders: Orders = { desired: new Float64Array(world.pools.length).fill(Number.NaN), cancel: [], drain: [] };
  const event: PoppedEvent = { time: 0, kind: 0, subject: 0 };
  const total = world.jobs.length;
  let handled = 0;
  let work = 0;
  while (world.finished < total && handled < maxEvents && work < maxWork && popEvent(world.events, event)) {
    handled++;
    world.now = event.time;
    update(world, event, controller.tickSeconds);
    dispatch(world);
    if (!controller.everyEvent && event.kind !== eventKind.tick) continue;
    work += world.openQueue.length;
    controller.decide(world, orders);
    apply(world, orders);
    dispatch(world);
  }
  for (const worker of [...world.live]) {
    // Of a run that was cut, what its jobs had done.
    if (worker.job >= 0) world.counts[worker.poolIndex]!.busySeconds += world.now - worker.startedJobAt;
    stop(world, worker);
  }
  return handled;
}

/** A cold start: log-normal with deviation .4, held between half and twice its median; or a fixed one. */
function coldStart(settings: SimulationSettings): (draw: Draw) => number {
  const { fixedColdSeconds: fixed, medianColdSeconds: medianSeconds = 120 } = settings;
  if (fixed !== undefined) return () => fixed;
  return draw => Math.min(2 * medianSeconds, Math.max(medianSeconds / 2, medianSeconds * Math.exp(0.4 * normal(draw))));
}

/** Runs a policy on a trace to its last job. Pure: the same settings give the same outcome, bit by bit. */
export function simulate(settings: SimulationSettings): Outcome {
  const spot = settings.spot ?? { lifeSeconds: 21_600, upSeconds: 21_600, downSeconds: 1_800 };
  const maxEvents = settings.maxEvents ?? 6e6;
  const world = createWorld({
    trace: settings.trace,
    jobs: jobsOf(settings.trace),
    pools: settings.pools,
    seed: settings.seed ?? 1,
    coldStart: coldStart(settings),
    spotLifeSeconds: spot.lifeSeconds,
    keptStepSeconds: 10,
    ownedFifo: settings.policy.ownedFifo ?? false,
  });
  drawOutages(world, spot);
  for (const [i, pool] of settings.pools.entries()) {
    if (pool.kind === 'fixed') for (let n = 0; n < pool.maxServers; n++) launch(world, i);
  }
  if (world.jobs.length > 0) pushEvent(world.events, settings.trace.arrivals[0]!, eventKind.arrival, 0);
  pushEvent(world.events, 0, eventKind.tick, 0);
  const handled = run(world, settings.policy.create(), maxEvents, settings.maxWork ?? Number.POSITIVE_INFINITY);
  return readOutcome(world, settings.policy.name, handled, world.finished < world.jobs.length);
}

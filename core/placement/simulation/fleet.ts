import { eventKind, pushEvent } from './event-heap.ts';
import { exponential } from './random.ts';
import { type SimulatedWorker, type World, wantedServers } from './world.ts';

/** Starts a server: a launch draws its cold start, then, on Spot, its life. A pool that is down refuses. */
export function launch(world: World, poolIndex: number): boolean {
  const pool = world.pools[poolIndex]!;
  const count = world.counts[poolIndex]!;
  if (count.down) {
    count.refusedAt = world.now;
    return false;
  }
  const index = world.workers.length;
  const worker: SimulatedWorker = {
    id: `w${index}`,
    index,
    poolIndex,
    pool: pool.id,
    launchedAtSeconds: world.now,
    phase: 'launching',
    idleSinceSeconds: 0,
    freeAtSeconds: 0,
    job: -1,
    startedJobAt: 0,
    gone: false,
  };
  world.workers.push(worker);
  world.live.push(worker);
  count.launching++;
  count.launches++;
  const cold = pool.kind === 'fixed' ? 0 : world.coldStart(world.draw, pool);
  pushEvent(world.events, world.now + cold, eventKind.ready, index);
  if (pool.kind === 'spot') {
    pushEvent(world.events, world.now + exponential(world.draw, world.spotLifeSeconds), eventKind.preempt, index);
  }
  return true;
}

/** Bills a server and forgets it. A launch that is stopped was cancelled, or preempted. */
export function stop(world: World, worker: SimulatedWorker, why: 'ordered' | 'preempted' = 'ordered'): void {
  const count = world.counts[worker.poolIndex]!;
  const pool = world.pools[worker.poolIndex]!;
  const seconds = world.now - worker.launchedAtSeconds;
  if (worker.phase === 'launching') {
    count.launching--;
    if (why === 'ordered') {
      count.cancelled++;
      count.cancelledSeconds += seconds;
    } else count.preemptedSeconds += seconds;
  } else if (worker.phase === 'idle') count.idle--;
  else count.busy--;
  if (worker.phase === 'draining') count.draining--;
  count.gpuSeconds += seconds;
  count.dollars += (Math.max(pool.minBilledSeconds, seconds) * pool.pricePerHourUsd) / 3600;
  worker.gone = true;
  world.live.splice(world.live.indexOf(worker), 1);
}

/** Takes servers away: the longest idle first, then the youngest launch, then busy ones drain, the first launched first. */
function shrink(world: World, poolIndex: number, surplus: number): void {
  const count = world.counts[poolIndex]!;
  for (; surplus > 0 && count.idle > 0; surplus--) {
    let oldest: SimulatedWorker | undefined;
    for (const worker of world.live) {
      if (worker.poolIndex !== poolIndex || worker.phase !== 'idle') continue;
      if (oldest === undefined || worker.idleSinceSeconds < oldest.idleSinceSeconds) oldest = worker;
    }
    stop(world, oldest!);
  }
  for (let i = world.live.length - 1; i >= 0 && surplus > 0 && count.launching > 0; i--) {
    const worker = world.live[i]!;
    if (worker.poolIndex !== poolIndex || worker.phase !== 'launching') continue;
    stop(world, worker);
    surplus--;
  }
  for (let i = 0; i < world.live.length && surplus > 0; i++) {
    const worker = world.live[i]!;
    if (worker.poolIndex !== poolIndex || worker.phase !== 'busy') continue;
    worker.phase = 'draining';
    count.draining++;
    surplus--;
  }
}

/** Brings a pool to `desired` servers: draining ones are kept before new ones are launched. */
export function resize(world: World, poolIndex: number, desired: number): void {
  const count = world.counts[poolIndex]!;
  let missing = desired - wantedServers(count);
  if (missing < 0) {
    shrink(world, poolIndex, -missing);
    return;
  }
  for (let i = 0; missing > 0 && count.draining > 0; i++) {
    const worker = world.live[i]!;
    if (worker.poolIndex !== poolIndex || worker.phase !== 'draining') continue;
    worker.phase = 'busy';
    count.draining--;
    missing--;
  }
  for (; missing > 0; missing--) if (!launch(world, poolIndex)) return;
}

/** Stops the launches and idle servers named; a busy server is never stopped by name. */
export function stopNamed(world: World, ids: readonly string[], phase: 'launching' | 'idle'): void {
  for (const id of ids) {
    const worker = world.workers[Number(id.slice(1))];
    if (worker !== undefined && !worker.gone && worker.phase === phase) stop(world, worker);
  }
}

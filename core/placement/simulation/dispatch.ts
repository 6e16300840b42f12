import { eventKind, pushEvent } from './event-heap.ts';
import type { SimulatedWorker, World } from './world.ts';

/** The most recently idle server of a pool. */
function freshest(world: World, poolIndex: number): SimulatedWorker {
  let found: SimulatedWorker | undefined;
  for (const worker of world.live) {
    if (worker.poolIndex !== poolIndex || worker.phase !== 'idle') continue;
    if (found === undefined || worker.idleSinceSeconds >= found.idleSinceSeconds) found = worker;
  }
  return found!;
}

function begin(world: World, worker: SimulatedWorker, job: number, sovereign: boolean): void {
  const count = world.counts[worker.poolIndex]!;
  const { now } = world;
  // Counted by what the trace says, not by the queue it came from.
  if (world.trace.sovereign?.[job] === 1 && world.pools[worker.poolIndex]!.site !== 'onprem') world.leftPremises++;
  count.idle--;
  count.busy++;
  worker.phase = 'busy';
  worker.job = job;
  worker.startedJobAt = now;
  const left = world.remaining[job]!;
  const waiting = world.jobs[job]!;
  worker.freeAtSeconds = now + (waiting.estimateSeconds * left) / world.trace.services[job]!;
  pushEvent(world.events, now + left, eventKind.finish, worker.index);
  if (!Number.isNaN(world.firstStart[job]!)) return;
  world.firstStart[job] = now;
  const waitSeconds = now - waiting.enqueuedAtSeconds;
  world.started.push({ jobId: waiting.id, tier: waiting.tier, sovereign, waitSeconds });
}

/** Whether an owned server takes a sovereign job next. */
function sovereignNext(world: World): boolean {
  const { openQueue, sovereignQueue } = world;
  if (sovereignQueue.length === 0) return false;
  return !world.ownedFifo || openQueue.length === 0 || sovereignQueue[0]! < openQueue[0]!;
}

/** Gives idle servers work: owned and cheap pools first; on-prem the sovereign jobs first, else the oldest that is allowed. */
export function dispatch(world: World): void {
  const { openQueue, sovereignQueue } = world;
  if (openQueue.length === 0 && sovereignQueue.length === 0) return;
  for (const poolIndex of world.poolsByPrice) {
    const count = world.counts[poolIndex]!;
    const onprem = world.pools[poolIndex]!.site === 'onprem';
    while (count.idle > 0) {
      const sovereign = onprem && sovereignNext(world);
      const job = sovereign ? sovereignQueue.shift() : openQueue.shift();
      if (job === undefined) break;
      begin(world, freshest(world, poolIndex), job, sovereign);
    }
  }
}

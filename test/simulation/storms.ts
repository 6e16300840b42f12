/** What befalls nodes: a calamity now and then until the faults end, and the repairs after it. */
import { startNode } from './node.ts';
import type { Calamity } from './scenario.ts';
import type { SimNode, Slot, Trouble, World } from './world.ts';

const PORTS = ['store', 'queue', 'dead_letters', 'kv', 'blobs', 'events', 'hooks'] as const;

/** Starts all nodes, keeps dead ones coming back, and lets calamities happen until the faults end. */
export function startStorms(world: World): void {
  const { scenario, time, prng } = world;
  const lives = new Map<Slot, number>();
  const revive = (slot: Slot) => {
    if (slot.node?.alive() === true || time.nowMs() < slot.offUntilMs) return;
    const life = (lives.get(slot) ?? 0) + 1;
    lives.set(slot, life);
    startNode(world, slot, life).onDeath(() => {
      time.after(prng.between(300, 12_000), () => revive(slot));
    });
  };
  for (const slot of world.slots) {
    time.after(prng.between(0, 500), () => revive(slot));
    world.facts.mostAheadMs = Math.max(world.facts.mostAheadMs, slot.skewMs);
  }
  const next = () =>
    time.after(scenario.calamityEveryMs * (0.3 + 1.4 * prng.next()), () => {
      if (!world.faultsOn) return;
      befall(world, prng.pick(scenario.calamities), revive);
      next();
    });
  if (scenario.calamities.length > 0) next();
  time.after(scenario.faultsEndMs, () => {
    world.faultsOn = false;
    world.troubles.length = 0;
    world.history.note('world', 'faults end');
    for (const slot of world.slots) {
      [slot.offUntilMs, slot.diskFullUntilMs] = [0, 0];
      revive(slot);
      // A zombie may wake long after everyone else is well.
      if (slot.node?.stopped() === true && prng.chance(0.5)) slot.node.resume();
    }
  });
}

/** What a calamity strikes. */
interface Target {
  readonly world: World;
  readonly node: SimNode;
  /** Alive, if any is. */
  readonly worker: SimNode | undefined;
  readonly revive: (slot: Slot) => void;
  /** A time of up to so many leases. */
  readonly leases: (most: number) => number;
}

function befall(world: World, calamity: Calamity, revive: (slot: Slot) => void): void {
  const { prng, scenario } = world;
  const living = world.slots.flatMap(({ node }) => (node?.alive() ? [node] : []));
  if (living.length === 0) return;
  const workers = living.filter(node => node.slot.kind === 'worker');
  const worker = workers.length === 0 ? undefined : prng.pick(workers);
  const leases = (most: number) => prng.next() * most * scenario.leaseSeconds * 1000;
  STRIKES[calamity]({ world, node: prng.pick(living), worker, revive, leases });
}

const STRIKES: Readonly<Record<Calamity, (target: Target) => void>> = {
  kill: ({ world, node }) => {
    world.fault('kill', node.owner);
    node.kill('kill -9');
  },
  pause: ({ node, leases }) => node.pause(leases(3), false),
  suspend: ({ node, leases }) => node.pause(leases(3), true),
  drain: ({ worker }) => worker?.drain('SIGTERM'),
  spot: ({ world, worker }) => {
    worker?.drain('spot notice');
    world.time.after(world.prng.between(1_000, 120_000), () => worker?.kill('spot'));
  },
  clock_jump: ({ world, node }) => jump(world, node),
  outage: ({ world, leases }) => trouble(world, undefined, leases(2)),
  partition: ({ world, node, leases }) => trouble(world, node.slot, leases(2)),
  disk_full: ({ world, worker, leases }) => {
    if (worker === undefined) return;
    world.fault('disk_full', worker.owner);
    worker.slot.diskFullUntilMs = world.time.nowMs() + leases(2);
  },
  child_dies: ({ world, worker }) => {
    if (worker === undefined) return;
    world.fault('child_dies', worker.owner);
    worker.killChild();
  },
  scale_to_zero: ({ world, revive }) => {
    const ms = world.prng.next() * 20_000;
    for (const slot of world.slots.filter(({ kind }) => kind === 'worker')) {
      slot.offUntilMs = world.time.nowMs() + ms;
      slot.node?.drain('scale to zero');
      world.time.after(ms + 1, () => revive(slot));
    }
  },
};

/** By how much a clock may be wrong, either way. */
const MOST_SKEW_MS = 600_000;

/** One machine's clock is set wrong; on one machine that is everyone's. */
function jump(world: World, node: SimNode): void {
  const skewMs = Math.round((world.prng.next() * 2 - 1) * MOST_SKEW_MS);
  world.fault('clock_jump', node.owner, skewMs);
  for (const slot of world.slots) {
    if (!world.scenario.local && slot !== node.slot) continue;
    slot.skewMs = skewMs;
    world.facts.mostAheadMs = Math.max(world.facts.mostAheadMs, skewMs);
  }
}

function trouble(world: World, slot: Slot | undefined, ms: number): void {
  const { prng, time } = world;
  const ports = prng.chance(0.25) ? PORTS : PORTS.filter(() => prng.chance(0.3));
  const found: Trouble = {
    ports: new Set(ports),
    slot,
    untilMs: time.nowMs() + ms,
    lostShare: prng.pick([0, 0.3, 1]),
  };
  world.fault(slot === undefined ? 'outage' : 'partition', slot?.name ?? 'all', ports.join('+'), Math.round(ms));
  world.troubles.push(found);
  time.after(ms, () => {
    const at = world.troubles.indexOf(found);
    if (at >= 0) world.troubles.splice(at, 1);
  });
}

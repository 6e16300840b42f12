/**
 * One life of a process:
 *
 *     running --SIGTERM--> draining --its loops returned, or the drain's time is over--> dead
 *     running, draining --SIGSTOP--> stopped --SIGCONT--> as before, with all that arrived meanwhile
 *     any --kill -9--> dead: nothing runs any more, and what it had sent may still arrive
 */
import { ReelayError } from '#core/errors.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import type { Clock } from '#gpu-container/worker/clock.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import type { Scratch } from '#gpu-container/worker/scratch.ts';
import { portsOf } from './node-ports.ts';
import { createSimRenderer } from './sim-renderer.ts';
import { sha256 } from './sim-video.ts';
import { EPOCH_MS, type SimNode, type Slot, type World } from './world.ts';

/** Starts a process on a machine: a worker with its sweeper, or a server that accepts jobs. */
export function startNode(world: World, slot: Slot, life: number): SimNode {
  const { time, scenario } = world;
  const body = createBody(world, `${slot.name}.${life}`);
  const draining = new AbortController();
  const clock = clockOf(world, slot, body);
  const disk = new Map<string, Uint8Array>();
  const renderer = createSimRenderer({ world, body, disk, isFull: () => diskIsFull(world, slot) });
  const own = {
    clock,
    renderer,
    leases: createLeaseWatch({ monotonicMs: clock.monotonicMs, leaseSeconds: scenario.leaseSeconds }),
    scratch: async (job: { id: string; attempt: number }) =>
      openScratch(disk, `/scratch/${job.id}-${job.attempt}`, () => diskIsFull(world, slot)),
    whyNotReady: async () => (diskIsFull(world, slot) ? 'the disk is full' : undefined),
  };
  const node: SimNode = {
    ...body,
    slot,
    owner: `${slot.name}.${life}`,
    get ports() {
      return ports;
    },
    killChild: renderer.kill,
    drain: why => {
      if (!body.alive() || draining.signal.aborted) return;
      world.fault('drain', node.owner, why);
      time.after(limits.drainSeconds * 1000, () => node.kill('after the drain'));
      body.deliver(() => draining.abort(new Error('draining')));
    },
  };
  slot.node = node;
  const ports = portsOf(world, node, slot.kind, own);
  world.history.note(node.owner, 'starts');
  const recover = scenario.local ? { recover: () => showDeadMessages(world) } : {};
  const sweeper = () =>
    runSweeper({ ...portsOf(world, node, 'sweeper', own), ...recover, queueBuries: true }, draining.signal);
  if (slot.kind === 'worker') {
    const working = Promise.all([runWorker(ports, draining.signal), sweeper()]);
    void working.then(() => node.kill('drained'));
  } else if (scenario.local) void sweeper(); // on one machine a server sweeps too
  return node;
}

type Body = Omit<SimNode, 'slot' | 'owner' | 'ports' | 'killChild' | 'drain'> & { suspendedMs(): number };

/** The part of a process that can die, stop and go on. */
function createBody(world: World, name: string): Body {
  const { time, prng } = world;
  const mourners: (() => void)[] = [];
  let [alive, stopped, suspended] = [true, false, false];
  let [suspendedMs, stoppedAtMs] = [0, 0];
  let held: (() => void)[] = [];
  let heldByMachine: (() => void)[] = [];
  const resume = () => {
    if (!alive || !stopped) return;
    if (suspended) suspendedMs += time.nowMs() - stoppedAtMs;
    [stopped, suspended] = [false, false];
    world.history.note(name, 'goes on');
    // Its loop finds what is due in some order: timers first or answers first, but each kind in its own order.
    const [machine, process] = [heldByMachine, held];
    [heldByMachine, held] = [[], []];
    const late = prng.chance(0.5) ? process : machine;
    const wake = (ms: number, act: () => void) => {
      world.underway++;
      time.after(ms, () => {
        world.underway--;
        body.deliver(act);
      });
    };
    for (const act of late === process ? machine : process) wake(0, act);
    for (const act of late) wake(1, act);
  };
  const body: Body = {
    alive: () => alive,
    stopped: () => stopped,
    suspendedMs: () => suspendedMs + (suspended ? time.nowMs() - stoppedAtMs : 0),
    deliver: act => {
      if (!alive) return;
      if (stopped) held.push(act);
      else act();
    },
    onMachine: act => {
      if (!alive) return;
      if (suspended) heldByMachine.push(act);
      else act();
    },
    kill: why => {
      if (!alive) return;
      alive = false;
      world.history.note(name, 'dies', why);
      for (const act of mourners) act();
    },
    pause: (ms, machine) => {
      if (!alive || stopped) return;
      [stopped, suspended, stoppedAtMs] = [true, machine, time.nowMs()];
      world.fault(machine ? 'suspend' : 'pause', name, Math.round(ms));
      time.after(ms, resume);
    },
    resume,
    onDeath: act => void mourners.push(act),
  };
  return body;
}

/** The process's own idea of time. */
function clockOf(world: World, slot: Slot, body: Body): Clock {
  const { time } = world;
  return {
    now: () => Math.floor(EPOCH_MS + time.nowMs() + slot.skewMs),
    monotonicMs: () => time.nowMs() - body.suspendedMs(),
    sleep: (ms, signal) =>
      new Promise(resolve => {
        if (signal?.aborted === true) return resolve();
        const end = () => {
          cancel();
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const cancel = time.after(ms, () => body.deliver(end));
        signal?.addEventListener('abort', end, { once: true });
      }),
    every: (ms, act) => {
      let over = false;
      let cancel: () => void = () => undefined;
      const again = () => {
        cancel = time.after(ms, () =>
          body.deliver(() => {
            if (over) return;
            again();
            act();
          }),
        );
      };
      again();
      return () => {
        over = true;
        cancel();
      };
    },
  };
}

function diskIsFull(world: World, slot: Slot): boolean {
  return world.time.nowMs() < slot.diskFullUntilMs;
}

/** A folder on the machine's disk; a full one takes no bytes and gives those it has. */
function openScratch(disk: Map<string, Uint8Array>, folder: string, isFull: () => boolean): Scratch {
  const full = () => new ReelayError('store_unavailable', 'The scratch folder of the worker cannot be written.');
  if (isFull()) throw full();
  return {
    folder,
    read: async path => {
      const bytes = disk.get(path);
      if (bytes === undefined) throw new ReelayError('store_unavailable', 'The scratch folder cannot be read.');
      return bytes;
    },
    write: async (name, bytes) => {
      if (isFull()) throw full();
      const path = `${folder}/${name}`;
      disk.set(path, bytes);
      return { path, sha256: sha256(bytes) };
    },
    remove: async () => {
      for (const path of disk.keys()) if (path.startsWith(`${folder}/`)) disk.delete(path);
    },
  };
}

/** What a data folder's recovery does: the messages that dead processes hold show again at once. */
function showDeadMessages(world: World): void {
  const alive = new Set(world.slots.flatMap(slot => (slot.node?.alive() ? slot.node.owner : [])));
  for (const owner of world.queue.receivers()) if (!alive.has(owner)) world.queue.showAgain(owner);
}

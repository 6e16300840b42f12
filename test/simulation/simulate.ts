import { limits } from '#core/limits.ts';
import { checkEnd, isSettled, openThings } from './check-end.ts';
import { redriveAll, startClients } from './clients.ts';
import { createWorld, type WorldOptions } from './create-world.ts';
import { startStorms } from './storms.ts';
import type { Violation, World } from './world.ts';

/** What one seed showed. */
export interface Result {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Of the whole history. */
  readonly hash: string;
  readonly faults: ReadonlyMap<string, number>;
  readonly faultCount: number;
  readonly timersFired: number;
  readonly virtualMs: number;
  /** The newest happenings, for a failure. */
  readonly last: readonly string[];
  readonly world: World;
}

/** Beyond the end of the faults: the longest retry delay of some attempts, by clocks that may be twenty minutes apart. */
const TIME_GIVEN_MS = 5_400_000;
/** After all is settled, two sweeps more: what they do must change nothing for the worse. */
const QUIET_MS = 2.5 * limits.sweepEverySeconds * 1000;

/** Runs the world of a seed to its end, or to the first broken promise. */
export async function simulate(seed: number, options: WorldOptions = {}): Promise<Result> {
  // An injected error is thrown by the thousand; where it was made says nothing.
  Error.stackTraceLimit = 0;
  const world = createWorld(seed, options);
  startStorms(world);
  startClients(world);
  await runPhases(world);
  const faultCount = [...world.faults.values()].reduce((sum, count) => sum + count, 0);
  return {
    seed,
    violation: world.violation,
    hash: `${world.history.hash()}-${Math.floor(world.prng.next() * 2 ** 32).toString(16)}`,
    faults: world.faults,
    faultCount,
    timersFired: world.time.fired(),
    virtualMs: world.time.nowMs(),
    last: world.history.last(60),
    world,
  };
}

async function runPhases(world: World): Promise<void> {
  const { scenario } = world;
  const { faultsEndMs } = scenario;
  await run(world, () => world.time.nowMs() < faultsEndMs || world.faultsOn);
  if (!(await settle(world))) return;
  if (scenario.redrive && world.deadLetters.size() > 0) {
    let over = false;
    void redriveAll(world).finally(() => {
      over = true;
    });
    await run(world, () => !over);
    if (!(await settle(world))) return;
  }
  // Someone whose client has long given up may still begin something: then that is waited for too.
  do await run(world, forMs(world, QUIET_MS));
  while (!isSettled(world) && (await settle(world)));
  if (world.violation === undefined) checkEnd(world);
  if (world.violation === undefined && scenario.monthLater) await month(world);
}

/** Runs until nothing is open; false when the time given was not enough, or a promise is broken. */
async function settle(world: World): Promise<boolean> {
  const untilMs = world.time.nowMs() + (world.scenario.timeGivenMs ?? TIME_GIVEN_MS);
  await run(world, () => !isSettled(world) && world.time.nowMs() < untilMs);
  if (world.violation !== undefined) return false;
  if (!isSettled(world)) world.violate('I1 every job ends in the time given', openThings(world));
  return world.violation === undefined;
}

/** All clocks show a month later: records and bytes are to go, and once the tombstones went, all bytes that ever came. */
async function month(world: World): Promise<void> {
  const { store, blobs } = world;
  await later(world, (limits.artifactDays + 1) * 86_400_000, () => store.records.size > 0);
  if (store.records.size > 0) world.violate('expired jobs go', [...store.records.keys()].join(' '));
  await later(world, (limits.tombstoneHours + 1) * 3_600_000, () => store.tombstones.size > 0);
  if (store.tombstones.size > 0) world.violate('tombstones go', [...store.tombstones.keys()].join(' '));
  if (blobs.blobs.size > 0) world.violate('expired bytes go', [...blobs.blobs.keys()].join(' '));
}

/** Sets all clocks on, and runs until nothing is left to do, for half an hour at most. */
async function later(world: World, ms: number, goesOn: () => boolean): Promise<void> {
  for (const slot of world.slots) slot.skewMs += ms;
  const untilMs = world.time.nowMs() + 1_800_000;
  await run(world, () => goesOn() && world.time.nowMs() < untilMs);
  await run(world, forMs(world, QUIET_MS));
}

function run(world: World, goesOn: () => boolean): Promise<void> {
  return world.time.run(() => world.violation === undefined && goesOn());
}

function forMs(world: World, ms: number): () => boolean {
  const untilMs = world.time.nowMs() + ms;
  return () => world.time.nowMs() < untilMs;
}

import type { TenantShare } from '#core/jobs/fair-order.ts';
import { drawScenario } from './draw-scenario.ts';
import { createHistory } from './history.ts';
import { createPrng } from './prng.ts';
import type { Scenario } from './scenario.ts';
import { createVirtualTime } from './virtual-time.ts';
import type { Actor, Facts, Mutation, Slot, Stores, Strike, WishState, World } from './world.ts';
import { createStores } from './world-stores.ts';

/** What one run may change about its world. */
export interface WorldOptions {
  /** In place of the one that the seed draws. */
  readonly scenario?: Scenario;
  readonly mutation?: Mutation;
  readonly strike?: Strike;
  /** Rules that are not judged. */
  readonly passedOver?: ReadonlySet<string>;
  /** The only rules that are. */
  readonly judged?: readonly string[];
  /** Sees each happening. */
  readonly onNote?: (line: () => string) => void;
}

/** Happenings that a failure shows. */
const KEPT = 400;

/** A world in which nobody lives yet. */
export function createWorld(seed: number, options: WorldOptions = {}): World {
  const prng = createPrng(seed);
  const drawn = drawScenario(prng);
  const scenario = options.scenario ?? options.mutation?.scenario?.(drawn) ?? drawn;
  const time = createVirtualTime();
  const history = createHistory(time.nowMs, KEPT, options.onNote);
  const shares = new Map<string, TenantShare>(scenario.tenants.map(tenant => [tenant.name, tenant]));
  const passedOver = options.passedOver ?? new Set();
  const ground: Omit<World, keyof Stores> = {
    seed,
    scenario,
    time,
    prng,
    history,
    slots: slotsOf(scenario, prng),
    wishes: new Map(scenario.wishes.map(wish => [wish.name, stateOf(wish)])),
    facts: noFacts(),
    mutation: options.mutation,
    strike: options.strike,
    calls: 0,
    shareOf: tenant => shares.get(tenant) ?? { weight: 1, maxRunning: Number.POSITIVE_INFINITY },
    troubles: [],
    actor: NOBODY,
    faultsOn: true,
    underway: 0,
    violation: undefined,
    faults: new Map(),
    fault: (kind, actor, ...details) => {
      world.faults.set(kind, (world.faults.get(kind) ?? 0) + 1);
      history.note(actor, `! ${kind}`, ...details);
    },
    violate: (rule, message) => {
      if (passedOver.has(rule) || options.judged?.includes(rule) === false) return;
      world.violation ??= { rule, message };
      history.note('CHECK', `broken: ${rule}`, message);
    },
  };
  // The stores know the world that they are in, and are its last part.
  const world = ground as World;
  return Object.assign(world, createStores(world));
}

function stateOf(wish: Scenario['wishes'][number]): WishState {
  return { wish, acked: new Set(), jobs: new Set(), refused: undefined, busy: true };
}

const NOBODY: Actor = {
  name: 'nobody',
  node: undefined,
  role: 'client',
  heads: [],
  running: undefined,
  delivery: undefined,
};

function slotsOf({ workers, apis, skewMs }: Scenario, prng: World['prng']): readonly Slot[] {
  const slot = (kind: Slot['kind'], n: number): Slot => ({
    name: `${kind}${n}`,
    kind,
    skewMs: Math.round((prng.next() * 2 - 1) * skewMs),
    node: undefined,
    offUntilMs: 0,
    diskFullUntilMs: 0,
  });
  return [
    ...Array.from({ length: workers }, (_, n) => slot('worker', n)),
    ...Array.from({ length: apis }, (_, n) => slot('api', n)),
  ];
}

function noFacts(): Facts {
  return {
    renderFailures: new Map(),
    stepsDone: new Map(),
    furthest: new Map(),
    redone: [],
    cancelAcked: new Set(),
    cancelAsked: new Set(),
    deleteAsked: new Set(),
    deleteAcked: new Set(),
    removed: new Map(),
    enqueued: new Set(),
    audited: [],
    firstLeaseMs: new Map(),
    createdMs: new Map(),
    endedMs: new Map(),
    endedAs: new Map(),
    priced: new Set(),
    putMs: new Map(),
    lateBytes: 0,
    orphans: 0,
    overlapped: new Set(),
    committed: new Set(),
    redriven: new Map(),
    mostAheadMs: 0,
    overCap: 0,
  };
}

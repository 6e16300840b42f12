/**
 * The one controller of the fleet. A run is
 *
 *     remember -> look -> decide -> write what is remembered, if nobody else did -> ask for the next look -> act
 *
 * Of runs at the same time one acts: whoever finds that another one did since it remembered adds what it alone has learned and leaves the
 * acting to that one. Additions do not count, else a few runs with news could keep every other one from acting. What fails after the
 * write is done by the next look, which sees the fleet as it is: a decision never builds on an order, only on what became of it.
 */
import { ReelayError } from '../errors.ts';
import { priorities } from '../job.ts';
import type { JobBrief } from '../jobs/brief.ts';
import { type RenderPace, readPace } from '../jobs/standing.ts';
import type { JobStore, KeyValueEntry, KeyValueStore } from '../ports.ts';
import { clockSeconds, freshMemory, type Seen, type Turn, type TurnTerms, takeTurn } from './autoscale-turn.ts';
import type { Fleet } from './fleet.ts';
import { fleetLimits } from './fleet-limits.ts';
import { compactMemory, type FleetMemory, memoryKey, readFleetMemory } from './fleet-memory.ts';
import { carryOutOrders, carryOutRelease } from './fleet-orders.ts';
import { type FleetMetrics, fleetMetrics } from './fleet-watch.ts';
import { wakeSeconds } from './horizon.ts';
import type { Readings } from './observe.ts';
import { listPresent } from './presence.ts';

/** What the controller needs. */
export interface AutoscalePorts extends TurnTerms {
  readonly kv: KeyValueStore;
  /** Of every residency class whose jobs may wait for this fleet or keep its workers busy. */
  readonly stores: readonly Pick<JobStore, 'listBriefs'>[];
  readonly fleet: Fleet;
  readonly now: () => number;
  /** Has the controller run again after so many seconds; once or more often. */
  readonly wake: (delaySeconds: number) => Promise<void>;
  readonly publish: (metrics: FleetMetrics, nowMs: number) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/** Looks, decides and acts once. `news` are jobs that changed. Throws only what the stores throw: then nothing was done. */
export async function autoscale(ports: AutoscalePorts, news: readonly JobBrief[]): Promise<void> {
  let seen: Seen | undefined;
  let acts: number | undefined;
  for (let lost = 0; lost < fleetLimits.maxRaces; lost++) {
    const entry = await ports.kv.get(memoryKey.space, memoryKey.name);
    const before = readFleetMemory(entry?.value);
    if (entry !== undefined && before === undefined) ports.log('warn', 'the memory of the fleet is unreadable', {});
    if (lost === 0) acts = before?.acts;
    // One look is enough for all tries: a second one takes so long that the next race is lost, too.
    seen ??= await look(ports);
    if (seen === undefined) return putOff(ports, entry, before);
    const turn = takeTurn(ports, seen, news, before);
    if (turn.isQuiet) return publish(ports, turn);
    if (before !== undefined && before.acts !== acts) {
      if (await addNews(ports, entry, before, turn)) return;
      continue;
    }
    if (!(await write(ports, entry, turn.memory))) continue;
    return act(ports, seen.readings, turn);
  }
  throw new ReelayError('store_unavailable', 'The memory of the fleet changes faster than it can be written.');
}

/** Reads everything; undefined when the fleet does not answer, which says nothing about the fleet. */
async function look(ports: AutoscalePorts): Promise<Seen | undefined> {
  const nowMs = ports.now();
  const fleet = await ports.fleet.read().catch(error => {
    if (!(error instanceof ReelayError) || !error.retryable) throw error;
    ports.log('error', 'the fleet does not answer', { code: error.code });
    return undefined;
  });
  if (fleet === undefined) return undefined;
  // Leases before presences: a worker tells that it is there before it leases.
  const [queued, running] = [inOrder(ports, await briefs(ports, 'queued')), await briefs(ports, 'in_progress')];
  const present = await listPresent(ports.kv, nowMs);
  const paces = new Map<string, RenderPace>();
  for (const model of new Set([...queued, ...running].map(brief => brief.model))) {
    const pace = await readPace(ports.kv, model);
    if (pace !== undefined) paces.set(model, pace);
  }
  return { readings: { nowMs, queued, running, present, fleet }, paces };
}

async function briefs({ stores }: AutoscalePorts, status: JobBrief['status']): Promise<readonly JobBrief[]> {
  return (await Promise.all(stores.map(store => store.listBriefs(status, fleetLimits.maxWaitingRead)))).flat();
}

/** Several stores' queues as one: by priority, the oldest first. A single one comes in its own exact order. */
function inOrder(ports: AutoscalePorts, queued: readonly JobBrief[]): readonly JobBrief[] {
  if (ports.stores.length === 1) return queued;
  const rank = (brief: JobBrief) => priorities.indexOf(brief.priority);
  return [...queued].sort((a, b) => rank(a) - rank(b) || a.createdAtMs - b.createdAtMs);
}

async function write(ports: AutoscalePorts, entry: KeyValueEntry | undefined, memory: FleetMemory): Promise<boolean> {
  const kept = { ...memoryKey, value: memory, expiresAtMs: null, dueAtMs: null };
  const written = await (entry === undefined ? ports.kv.create(kept) : ports.kv.replace({ ...entry, ...kept }));
  return written !== undefined;
}

/** Adds to the winner's memory what only this run was told, and has everyone look again soon. */
async function addNews(
  ports: AutoscalePorts,
  entry: KeyValueEntry | undefined,
  before: FleetMemory,
  turn: Turn,
): Promise<boolean> {
  const { folded, foldedUntil, placement } = turn.memory;
  const soon = turn.observed.observation.nowSeconds + fleetLimits.raceSeconds;
  const isDue = before.wakeAt <= turn.observed.observation.nowSeconds + clockSeconds || before.wakeAt > soon;
  const { arrived, started } = turn.observed.observation;
  const memory = { ...before, folded, foldedUntil, placement, wakeAt: isDue ? soon : before.wakeAt };
  const isNew = isDue || arrived.length + started.length > 0;
  if (isNew && !(await write(ports, entry, compactMemory(memory)))) return false;
  if (isDue) await wake(ports, fleetLimits.raceSeconds);
  record(ports, turn, false);
  return true;
}

/** The fleet does not answer: nobody is stopped or started by a guess, and it is asked again. */
async function putOff(ports: AutoscalePorts, entry: KeyValueEntry | undefined, before: FleetMemory | undefined) {
  const nowSeconds = ports.now() / 1_000;
  const memory = before ?? freshMemory(ports, ports.now());
  if (memory.wakeAt > nowSeconds + clockSeconds) return;
  // A lost race means that someone else asks.
  if (await write(ports, entry, { ...memory, wakeAt: nowSeconds + wakeSeconds })) await wake(ports, wakeSeconds);
}

async function act(ports: AutoscalePorts, readings: Readings, turn: Turn): Promise<void> {
  record(ports, turn, true);
  publish(ports, turn);
  if (turn.wakeSeconds !== undefined) await wake(ports, turn.wakeSeconds);
  const listRunning = () => briefs(ports, 'in_progress');
  const orderPorts = { fleet: ports.fleet, listRunning, present: readings.present, log: ports.log };
  await carryOutOrders(orderPorts, turn.orders);
  await carryOutRelease(orderPorts, turn.release.free);
}

/** The schedule looks every minute in any case, so a wake-up that cannot be asked for is late, and no reason to stop. */
async function wake(ports: AutoscalePorts, seconds: number): Promise<void> {
  const delay = Math.min(fleetLimits.maxWakeSeconds, Math.max(1, Math.ceil(seconds)));
  await ports.wake(delay).catch(error => {
    const code = error instanceof ReelayError ? error.code : 'internal';
    ports.log('warn', 'no wake-up was asked for', { code });
  });
}

function publish(ports: AutoscalePorts, { observed, decision, memory }: Turn): void {
  ports.publish(fleetMetrics(observed.observation, decision, memory.stuckSince), ports.now());
}

/** One line from which the decision can be made again, bit by bit. */
function record(ports: AutoscalePorts, { observed, state, decision }: Turn, acted: boolean): void {
  ports.log('info', 'placement decided', { acted, o: observed.observation, s: state, decision });
}

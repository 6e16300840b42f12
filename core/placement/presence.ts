/**
 * Who is there. Each worker, on the premises and in the cloud, writes one entry about once a minute, and removes it when it leaves; an
 * entry that is over is a worker that died. It says nothing of jobs: those are in their records.
 */
import type { Place } from '../policy/residency.ts';
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import { fleetLimits } from './fleet-limits.ts';

/** What a worker tells of itself. */
export interface Presence {
  readonly v: 1;
  readonly place: Place;
  /** Relative speed by model; a model that is absent it cannot run. */
  readonly models: Readonly<Record<string, number>>;
  readonly startedAtMs: number;
  /** Its server's name in the fleet; null on the premises. */
  readonly server: string | null;
}

/** A worker by its id, which is the owner of its leases. */
export interface PresentWorker extends Presence {
  readonly id: string;
}

const KIND = 'workers';

/** The key value space of a pool's workers. */
export function presenceSpace(pool: string): string {
  return `${KIND}/${pool}`;
}

/** Writes a worker's entry; it holds for three beats. */
export async function tellPresence(kv: KeyValueStore, worker: PresentWorker, nowMs: number): Promise<void> {
  const { id: name, ...value } = worker;
  const expiresAtMs = nowMs + fleetLimits.presenceSeconds * 1000;
  await kv.put({ space: presenceSpace(worker.place.pool), name, value, expiresAtMs, dueAtMs: nowMs });
}

/** Takes it away. */
export function endPresence(kv: KeyValueStore, worker: Pick<PresentWorker, 'id' | 'place'>): Promise<void> {
  return kv.remove(presenceSpace(worker.place.pool), worker.id);
}

/** The workers of all pools that are there, whoever set these pools up. Entries that cannot be read are nobody's. */
export async function listPresent(kv: KeyValueStore, nowMs: number): Promise<readonly PresentWorker[]> {
  // A clock that runs ahead by less than an entry's time hides nobody.
  const until = nowMs + fleetLimits.presenceSeconds * 1000;
  const entries = await kv.listDue(KIND, until, fleetLimits.maxWorkers);
  return entries
    .filter(entry => entry.expiresAtMs !== null && entry.expiresAtMs > nowMs)
    .flatMap(entry => workerOf(entry) ?? [])
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function workerOf({ name, value }: KeyValueEntry): PresentWorker | undefined {
  const told = value as Partial<Presence> | null;
  const { place, models, startedAtMs, server } = told ?? {};
  if (told?.v !== 1 || typeof place?.pool !== 'string' || typeof models !== 'object' || models === null)
    return undefined;
  if (place.site !== 'onprem' && place.site !== 'cloud') return undefined;
  if (typeof startedAtMs !== 'number' || typeof place.region !== 'string') return undefined;
  return { id: name, v: 1, place, models, startedAtMs, server: typeof server === 'string' ? server : null };
}

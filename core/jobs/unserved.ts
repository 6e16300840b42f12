/**
 * Jobs that nobody may serve any more: the rules or the pools of the installation were changed under them. One process with old settings,
 * or one deploy with a slip in them, must not end what others serve, so a class is doubted for a while before its jobs are over:
 *
 *     served --a sweep finds no pool for it--> doubted --so says every sweep for limits.unservedMinutes--> its queued jobs fail
 *     doubted --a sweep of any process finds a pool, or none looks for limits.unservedGapMinutes--> served
 */
import type { Job } from '../job.ts';
import { limits } from '../limits.ts';
import { type Place, type ResidencyClasses, residencyProblem } from '../policy/residency.ts';
import type { KeyValueEntry } from '../ports.ts';
import { endJob } from './end.ts';
import { type RelayPorts, relay } from './relay.ts';

/** What telling whether anyone may serve a class needs. */
export interface ServedPorts {
  /** The rules of this installation. */
  readonly classes: ResidencyClasses;
  /** Where its pools stand. */
  readonly servedPlaces: readonly Place[];
}

/** What looking after the heads of the queue needs; without the pools nothing is known of what is served. */
export interface HeadPorts extends RelayPorts, Partial<ServedPorts> {
  readonly log?: (level: 'error', message: string, fields: Record<string, unknown>) => void;
}

/** Since when every look, the last of them at `seenMs`, found no pool that may serve a class. */
interface Doubt {
  readonly v: 1;
  readonly sinceMs: number;
  readonly seenMs: number;
}

/** The heads of the queue, after those that no pool has served for long enough have failed with their reason. */
export async function servedHeads(ports: HeadPorts): Promise<readonly Job[]> {
  const given = new Map<string, boolean>();
  for (let ended = 0; ; ) {
    const heads = await ports.store.listQueueHeads(ports.now(), limits.fairTenants);
    for (const { request } of heads)
      if (!given.has(request.residency)) given.set(request.residency, await isGivenUp(ports, request.residency));
    const over = heads.filter(({ request }) => given.get(request.residency) === true);
    if (over.length === 0 || ended >= limits.sweepBatch) return heads;
    for (const job of over) await endUnserved(ports, job);
    ended += over.length;
  }
}

async function endUnserved(ports: RelayPorts, job: Job): Promise<void> {
  const message = `residency: no pool of this installation may serve "${job.request.residency}" any more.`;
  const error = { code: 'residency_unsatisfiable', message };
  const ended = await endJob(ports.store, job, { status: 'failed', error, nowMs: ports.now() }, job.version);
  if (ended !== undefined) await relay(ports, ended).catch(() => undefined); // the record owes it
}

const SPACE = 'residency/unserved';

/** Whether a class was doubted for so long that its jobs are over. */
async function isGivenUp(ports: HeadPorts, residency: string): Promise<boolean> {
  const { kv, classes, servedPlaces } = ports;
  if (classes === undefined || servedPlaces === undefined) return false;
  const entry = await kv.get(SPACE, residency);
  if (residencyProblem({ classes, servedPlaces }, residency) === undefined) {
    if (entry !== undefined) await kv.remove(SPACE, residency);
    return false;
  }
  const nowMs = ports.now();
  const doubt = entry?.value as Doubt | undefined;
  const goesOn = doubt !== undefined && nowMs - doubt.seenMs <= limits.unservedGapMinutes * 60_000;
  const sinceMs = goesOn ? doubt.sinceMs : nowMs;
  const isNoted = await noteDoubt(ports, residency, { v: 1, sinceMs, seenMs: nowMs }, entry);
  if (!goesOn) {
    const minutes = limits.unservedMinutes;
    ports.log?.('error', 'by these settings no pool may serve a residency class: its jobs fail soon', {
      residency,
      minutes,
    });
  }
  // A note that someone else took away or renewed meanwhile is looked at again by the next sweep.
  return isNoted && nowMs - sinceMs >= limits.unservedMinutes * 60_000;
}

async function noteDoubt(
  { kv }: HeadPorts,
  residency: string,
  value: Doubt,
  before: KeyValueEntry | undefined,
): Promise<boolean> {
  const expiresAtMs = value.seenMs + limits.unservedMinutes * 60_000;
  const entry = { space: SPACE, name: residency, value, expiresAtMs, dueAtMs: null };
  const noted = before === undefined ? await kv.create(entry) : await kv.replace({ ...entry, version: before.version });
  return noted !== undefined;
}

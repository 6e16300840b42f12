/**
 * A message is a token: it says "look", and whoever looks takes the job that is next in the fair order, whichever the message names.
 * Enqueueing a job adds one token and a running job holds one, so there are at least as many tokens as jobs, and the order of the
 * queue does not matter. A token is given up only when nothing is queued at all.
 */
import { isInReview, isTerminal, type Job } from '../job.ts';
import { residencyOf } from '../job-id.ts';
import { limits } from '../limits.ts';
import { defaultResidency, mayServe, type ResidencyClasses } from '../policy/residency.ts';
import type { JobStore, KeyValueEntry } from '../ports.ts';
import { endJob } from './end.ts';
import { cappedShares, fairOrder, noPasses, type Passes, served, type TenantShare } from './fair-order.ts';
import { endLease, type LeasePorts, newLease } from './lease.ts';
import { relay } from './relay.ts';

/** What came of a message. */
export type Take =
  | { readonly outcome: 'leased'; readonly job: Job }
  /** Nothing is queued, and the job that the message names is over or unknown. Ack the message. */
  | { readonly outcome: 'done' }
  /** Jobs wait but none may start, or another worker holds the named one; look again after so many seconds. */
  | { readonly outcome: 'held'; readonly seconds: number }
  /** Of the jobs that wait, a place like this one may serve none: the token goes back at once, for a worker that may. */
  | { readonly outcome: 'refused'; readonly residency: readonly string[] };

/** What choosing needs beside the lease. */
export interface TakePorts extends LeasePorts {
  readonly shareOf: (tenant: string) => TenantShare;
  /** The rules of this installation. */
  readonly classes: ResidencyClasses;
  /** The class whose jobs alone these ports reach; undefined: they reach those of all classes. */
  readonly enclave?: string;
  readonly log?: (level: 'error', message: string, fields: Record<string, unknown>) => void;
}

/** How often a lost race for a job is run again before the message is put back for a second. */
const TRIES = 8;

/** Takes the job that is next. A dead lease on the job that the message names is ended first. */
export async function takeNext(ports: TakePorts, hintId: string): Promise<Take> {
  let order = await readOrder(ports);
  // One that waits at the head of its tenant needs no mending: it is not read a second time.
  const head = order.candidates.find(({ id }) => id === hintId);
  const { job: hint, mended } = head === undefined ? await mend(ports, hintId) : { job: head, mended: false };
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0 || mended) order = await readOrder(ports);
    if (order.heads.length === 0 && order.refused.length > 0) return { outcome: 'refused', residency: order.refused };
    if (order.candidates.length === 0) return nothingToTake(ports, hint);
    for (const job of order.candidates) {
      const leased = await leaseOrEnd(ports, job);
      if (leased === undefined) continue;
      if (order.contended) await noteServed(ports, order, leased);
      return { outcome: 'leased', job: leased };
    }
  }
  return { outcome: 'held', seconds: 1 };
}

/** The named job, after its lease was ended if that was dead; an undefined one is unknown. */
async function mend(ports: TakePorts, id: string): Promise<{ job: Job | undefined; mended: boolean }> {
  const job = await ports.store.load(id);
  if (job?.status !== 'in_progress') return { job, mended: false };
  const ownerGone = job.lease !== null && ports.ownerIsGone(job.lease.owner);
  if (!ownerGone && !ports.leases.isDead(job)) return { job, mended: false };
  // The token in hand is the one that the job needs: none is owed.
  const ended = await endLease(ports, job, { owes: false, ownerGone });
  return { job: ended ?? (await ports.store.load(id)), mended: true };
}

async function nothingToTake(ports: TakePorts, hint: Job | undefined): Promise<Take> {
  const nowMs = ports.now();
  if (hint?.status === 'in_progress') {
    // By its version it may already be another lease than the one that `mend` saw: then a whole lease is waited.
    const seconds = Math.ceil(ports.leases.remainingMs(hint) / 1000);
    return { outcome: 'held', seconds: Math.max(1, seconds) };
  }
  if (hint?.status === 'queued' && hint.notBeforeMs > nowMs)
    return { outcome: 'held', seconds: Math.ceil((hint.notBeforeMs - nowMs) / 1000) };
  if ((await ports.store.countQueued(1)) > 0) return { outcome: 'held', seconds: limits.nothingMayStartSeconds };
  // Whoever approves it sends a message of its own.
  if (hint !== undefined && isInReview(hint)) return { outcome: 'done' };
  return hint === undefined || isTerminal(hint.status) ? { outcome: 'done' } : { outcome: 'held', seconds: 1 };
}

interface Order {
  /** Those that may be served here. */
  readonly heads: readonly Job[];
  /** The classes of the others. */
  readonly refused: readonly string[];
  readonly candidates: readonly Job[];
  readonly contended: boolean;
  readonly entry: KeyValueEntry | undefined;
}

/** Each enclave has its own: who waits in one is not served by the workers of another. */
function passesPlace({ enclave = defaultResidency }: TakePorts) {
  return { space: 'fair/passes', name: enclave === defaultResidency ? 'all' : enclave };
}

/** The last look before a job is processed, whatever queue or record brought it here: a class that this place may not serve is left. */
function servedHere({ classes, place, log }: TakePorts, jobs: readonly Job[]) {
  const heads: Job[] = [];
  const refused: string[] = [];
  for (const job of jobs) {
    const { residency } = job.request;
    // The id says it too, and one of the two may be all that was looked at before.
    if ([residency, residencyOf(job.id) ?? residency].every(name => mayServe(classes, name, place))) heads.push(job);
    else {
      refused.push(residency);
      log?.('error', 'job refused: its residency class may not be served here', { jobId: job.id, residency, ...place });
    }
  }
  return { heads, refused };
}

async function readOrder(ports: TakePorts): Promise<Order> {
  const listed = await ports.store.listQueueHeads(ports.now(), limits.fairTenants);
  // A store shows none of them; the last look is ours all the same.
  const waiting = listed.filter(job => !isInReview(job));
  const { heads, refused } = servedHere(ports, waiting);
  if (heads.length === 0) return { heads, refused, candidates: [], contended: false, entry: undefined };
  const shareOf = await sharesOf(ports, heads);
  const capped = heads.some(job => Number.isFinite(shareOf(job.tenant).maxRunning));
  const contended = heads.length > 1;
  const running = capped || contended ? await ports.store.countRunning() : new Map<string, number>();
  const passes = passesPlace(ports);
  const entry = contended ? await ports.kv.get(passes.space, passes.name) : undefined;
  return { heads, refused, candidates: fairOrder(heads, running, passesOf(entry), shareOf), contended, entry };
}

/** The operator's shares, and what the records of those who wait allow at once; a record is remembered for accountLimits.keyStaleMs. */
async function sharesOf({ shareOf, accounts }: TakePorts, heads: readonly Job[]) {
  const tenants = [...new Set(heads.map(job => job.tenant))];
  const caps = tenants.map(async id => [id, (await accounts.tenant(id)).limits.concurrentJobs] as const);
  return cappedShares(shareOf, new Map(await Promise.all(caps)));
}

function passesOf(entry: KeyValueEntry | undefined): Passes {
  return entry === undefined ? noPasses : (entry.value as Passes);
}

/** Best effort: when another worker was faster the next choice is a little less fair, and no job waits for it. */
async function noteServed(ports: TakePorts, { entry }: Order, job: Job): Promise<void> {
  const value = served(passesOf(entry), job, ports.shareOf);
  const kept = { ...passesPlace(ports), value, expiresAtMs: null, dueAtMs: null };
  await (entry === undefined ? ports.kv.create(kept) : ports.kv.replace({ ...entry, ...kept })).catch(() => undefined);
}

/** undefined: someone else was faster, or the job's deadline has passed and it was ended. */
async function leaseOrEnd(ports: TakePorts, job: Job): Promise<Job | undefined> {
  if (job.startedAtMs === null && job.deadlineAtMs !== null && job.deadlineAtMs <= ports.now()) {
    const ended = await endMissedDeadline(ports.store, job, ports.now());
    if (ended !== undefined) await relay(ports, ended).catch(() => undefined); // the record owes it
    return undefined;
  }
  const attempt = job.attempt + 1;
  const startedAtMs = ports.now();
  const fromStep = job.checkpoint?.step ?? 0;
  const placement = { ...ports.place, attempt, worker: ports.owner, startedAtMs, fromStep };
  const lease = {
    status: 'in_progress',
    attempt,
    startedAtMs: job.startedAtMs ?? startedAtMs,
    placements: [...job.placements, placement].slice(-limits.maxPlacements),
    progress: { phase: 'loading', step: 0, steps: job.request.num_inference_steps },
    lease: newLease(ports),
  } as const;
  const expected = { status: 'queued', attempt: job.attempt, version: job.version } as const;
  return ports.store.transition(job.id, expected, lease).catch(async error => {
    // An answer that was lost: a lease that its owner does not know of would be a failure of the job.
    const now = await ports.store.load(job.id);
    const ours = now?.status === 'in_progress' && now.attempt === lease.attempt && now.lease?.owner === ports.owner;
    if (!ours) throw error;
    return now;
  });
}

/** Ends a queued job whose deadline has passed; undefined when the record moved on. */
export function endMissedDeadline(store: JobStore, job: Job, nowMs: number): Promise<Job | undefined> {
  const message = 'The deadline passed while the job waited in the queue.';
  const error = { code: 'deadline_exceeded', message };
  return endJob(store, job, { status: 'failed', error, nowMs }, job.version);
}

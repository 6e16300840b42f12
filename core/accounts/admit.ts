/** What the doors call: what a request costs, whether it may be made, and the hold that goes before its job; and what settles it. */
import type { Job } from '../job.ts';
import type { JobStore, KeyValueStore } from '../ports.ts';
import type { VideoRequest } from '../video-request.ts';
import { accountLimits } from './account-limits.ts';
import type { Principal } from './authenticate.ts';
import type { Budget, Budgets, Micros } from './budget.ts';
import type { HoldRecord } from './hold-record.ts';
import type { Ledger } from './ledger.ts';
import type { HoldRequest } from './ledger-batch.ts';
import { applyHold } from './ledger-entry.ts';
import { readLedger } from './ledger-store.ts';
import { dayOf, periodKinds, periodOf } from './periods.ts';
import { type PriceList, priceOf } from './price-list.ts';
import { checkMaxCost, closingOf, isRefusal, type Quote, quote } from './quote.ts';
import type { Refusal } from './refusal.ts';
import { checkTenantRequest } from './tenant.ts';

/** What admitting needs. */
export interface AdmitPorts {
  readonly kv: KeyValueStore;
  readonly store: Pick<JobStore, 'countQueuedByTenant'>;
  readonly ledger: Ledger;
  readonly prices: PriceList;
  /** Authenticator.installationBudget. */
  readonly installationBudget: () => Promise<Budget>;
  /** GPU time that a request will probably take; undefined where nobody knows. Only asked where GPU time is what is paid for. */
  readonly estimateGpuMs: (request: VideoRequest) => Promise<number | undefined>;
  readonly now: () => number;
}

/** A request's price, and everything that stands against it now. */
export interface Offer {
  /** undefined where it has no price. */
  readonly quote: Quote | undefined;
  readonly reasons: readonly Refusal[];
}

/**
 * Holds what a job may cost before it is made, after every other check and before `store.create`, and returns the terms that it was
 * accepted under: of a hold that was there already its own. Again with the same id is the same hold; what is free holds nothing. A refusal
 * has written nothing. Throws `store_unavailable`. A hold whose job is then not made is given back by the sweep: nobody has to.
 */
export async function admit(
  ports: AdmitPorts,
  principal: Principal,
  job: Pick<Job, 'id' | 'request'>,
  maxCost?: Micros,
): Promise<Quote | Refusal> {
  const { quote: terms, reasons } = await priced(ports, principal, job.request, maxCost);
  const [refused] = reasons;
  if (refused !== undefined) return refused;
  if (terms === undefined) throw new RangeError('a request that nothing is against has a price');
  // No budget can be too small for it: it is counted when it is over.
  if (terms.held === 0) return terms;
  const hold = await ports.ledger.hold(holdRequest(principal, job, terms, await budgetsFor(ports, principal)));
  return 'code' in hold ? hold : hold.terms;
}

/** The same without holding anything: POST /v1/videos/quote. What is left of the installation's budget is only known when it is held. */
export async function offer(
  ports: AdmitPorts,
  principal: Principal,
  request: VideoRequest,
  maxCost?: Micros,
): Promise<Offer> {
  const { quote: terms, reasons } = await priced(ports, principal, request, maxCost);
  if (terms === undefined) return { quote: terms, reasons };
  const { ledger } = await readLedger(ports, principal.tenant);
  const nowMs = ports.now();
  const day = dayOf(nowMs);
  const slices = Object.fromEntries(periodKinds.map(kind => [periodOf(kind, day), accountLimits.maxMicros]));
  const { budgets, ...asked } = holdRequest(
    principal,
    { id: 'quote', request },
    terms,
    await budgetsFor(ports, principal),
  );
  const hold: HoldRecord = { v: 1, ...asked, day, heldAtMs: nowMs, generation: 1, closed: null };
  const applied = applyHold({ ...ledger, slices }, hold, budgets, nowMs);
  return { quote: terms, reasons: 'refused' in applied ? [...reasons, applied.refused] : reasons };
}

/** What settling reads of a job. */
export type SettledJob = Pick<
  Job,
  'id' | 'tenant' | 'keyId' | 'terms' | 'request' | 'status' | 'placements' | 'createdAtMs' | 'completedAtMs'
>;

/** Settles or gives back what an ended job holds; one that is not over, and one without terms, are left alone. Again is fine. */
export async function settleJob(ledger: Ledger, job: SettledJob): Promise<HoldRecord | undefined> {
  const closing = closingOf(job);
  if (closing === undefined || job.terms === null) return undefined;
  return job.terms.held === 0
    ? ledger.meter(freeHold(job, job.terms), closing)
    : ledger.close(job.tenant, job.id, closing);
}

/** The hold that a free job would have had. */
function freeHold({ id: jobId, tenant, keyId, request, createdAtMs }: SettledJob, terms: Quote): HoldRecord {
  const made = { day: dayOf(createdAtMs), heldAtMs: createdAtMs, generation: 1, closed: null };
  const what = { model: request.model, outputMs: outputMsOf(request), terms };
  return { v: 1, jobId, tenant, keyId, budgetKey: null, ...what, ...made };
}

function outputMsOf({ num_frames, fps }: Pick<VideoRequest, 'num_frames' | 'fps'>): number {
  return Math.round((num_frames / fps) * 1000);
}

async function priced(
  ports: AdmitPorts,
  { account }: Principal,
  request: VideoRequest,
  maxCost: Micros | undefined,
): Promise<Offer> {
  const reasons: Refusal[] = [];
  const queued =
    account.limits.queuedJobs === null ? 0 : ((await ports.store.countQueuedByTenant()).get(account.id) ?? 0);
  const limit = checkTenantRequest(account, request, queued);
  if (limit !== undefined) reasons.push(limit);
  const price = priceOf(ports.prices, request.model);
  const gpuMs = price?.unit === 'gpu_second' ? await ports.estimateGpuMs(request) : undefined;
  const terms = quote(ports.prices, request, gpuMs);
  if (isRefusal(terms)) return { quote: undefined, reasons: [...reasons, terms] };
  const tooDear = checkMaxCost(terms, maxCost);
  return { quote: terms, reasons: tooDear === undefined ? reasons : [...reasons, tooDear] };
}

async function budgetsFor(ports: AdmitPorts, { keyBudget, account }: Principal): Promise<Budgets> {
  return { key: keyBudget, tenant: account.budget, installation: await ports.installationBudget() };
}

function holdRequest(
  { tenant, keyId, budgetKey }: Principal,
  { id, request }: Pick<Job, 'id' | 'request'>,
  terms: Quote,
  budgets: Budgets,
): HoldRequest {
  const { model } = request;
  return { jobId: id, tenant, keyId, budgetKey, model, outputMs: outputMsOf(request), terms, budgets };
}

import type { Accounts } from '../accounts/accounts.ts';
import { admit } from '../accounts/admit.ts';
import { localPrincipal, type Principal } from '../accounts/authenticate.ts';
import { isRefusal } from '../accounts/quote.ts';
import { refusedError } from '../accounts/refused-error.ts';
import type { SubjectNames } from '../audit/subjects.ts';
import { invalidRequest, ReelayError } from '../errors.ts';
import type { Job } from '../job.ts';
import { newJobId } from '../job-id.ts';
import { limits } from '../limits.ts';
import type { ModelCatalog } from '../models.ts';
import type { Place, ResidencyClasses } from '../policy/residency.ts';
import { type Asked, askedOf } from '../policy/reviews/ask.ts';
import { type ContentPolicies, personOf } from '../policy/reviews/content-ports.ts';
import { judge, noteConsents, openJobReview } from '../policy/reviews/judge.ts';
import { type ReferencePorts, storeReference, withStored } from '../references/store-reference.ts';
import { parseSubmission, type Submission } from '../video-request.ts';
import { claim, claimOf } from './claim.ts';
import { type Made, newJob } from './new-job.ts';
import { type RelayPorts, relay } from './relay.ts';
import { needRoom } from './room.ts';
import { readStandings, type StandingPorts } from './standing.ts';
import {
  checkKey,
  claimKey,
  claimRetry,
  deletedUnderKey,
  fingerprintOf,
  heldJob,
  isPrintOf,
  keyPlace,
  noteRecent,
  withoutNulls,
} from './submission-claims.ts';
import { owedSubmit, tellRefusal } from './tell-ledger.ts';

/** What accepting a job needs. */
export interface SubmitPorts extends RelayPorts, StandingPorts, ReferencePorts {
  readonly models: ModelCatalog;
  /** How people and requests are named in what is stored. */
  readonly subjects: SubjectNames;
  /** Prices, budgets and the ledger. */
  readonly accounts: Accounts;
  /** What may be asked for. */
  readonly content: ContentPolicies;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
  /** Lower-case hex of bytes, or of a text's UTF-8 bytes. */
  readonly sha256: (data: string | Uint8Array) => string;
  /** What is wrong with a webhook URL, in words; undefined: nothing. */
  readonly checkWebhookUrl: (url: string) => string | undefined;
  /** Where this front door stands. */
  readonly place: Place;
  /** The rules of this installation. */
  readonly classes: ResidencyClasses;
  /** Where the pools of this installation stand. */
  readonly servedPlaces: readonly Place[];
  /** Jobs that may wait, of all tenants; limits.maxQueuedJobs unless the operator says otherwise. */
  readonly maxQueuedJobs?: number;
}

/** How a caller says that it may have sent this before. */
export interface SubmitOptions {
  /** The same key with the same request is the same job, for limits.idempotencyHours. */
  readonly idempotencyKey?: string;
  /**
   * A client that retries by itself and counts: with 1 and more, an equal request of the last limits.collapseSeconds is the same job;
   * 0 always makes a new one. undefined: a client that does not count.
   */
  readonly retryCount?: number;
  /** Who asks, where a key says so; without it the tenant itself asks, without a key. */
  readonly principal?: Principal;
  /** The job whose settings are in the input. */
  readonly remixOf?: string;
  /** Whose data the input is where it names nobody: the subject of the job that it is taken from. */
  readonly subject?: string | null;
  /** Hash of what was sent where the input was made of more than that (see submission-claims.ts). */
  readonly wire?: string | undefined;
}

/**
 * Any input to a durable queued job. When this resolves the record is on disk and owes its queue message; the message is sent here
 * and, if that fails, by the sweeper, so a full outage of the queue delays a job and never loses it.
 *
 * Throws `invalid_request`, `model_not_found` or `residency_unsatisfiable` (nothing written), `idempotency_key_reused`,
 * `deadline_unattainable`, `queue_full`, `budget_exceeded`, `max_cost_exceeded`, `tenant_limit`, `policy_denied`, `likeness_consent_required`, `store_unavailable`; `not_found` when another request with the same claim made the job meanwhile and it was deleted.
 */
export async function submit(
  ports: SubmitPorts,
  tenant: string,
  input: unknown,
  options: SubmitOptions = {},
): Promise<Job> {
  const draw = ports.random(14);
  const seed = new DataView(draw.buffer, draw.byteOffset).getUint32(10);
  const key = checkKey(options.idempotencyKey);
  const strict = { seed, nowMs: ports.now(), checkUrl: ports.checkWebhookUrl, residency: ports };
  let submission: Submission;
  try {
    submission = parseSubmission(input, ports.models, strict);
  } catch (error) {
    // What was right when it was first sent (a deadline, an allowed receiver) need not be any more: the job is there all the same.
    const made =
      key === undefined ? undefined : await madeBefore(ports, tenant, input, { key, remixOf: options.remixOf });
    if (made !== undefined) return made;
    await tellRefusal(ports.audit, askerOf(tenant, options.principal), undefined, error);
    throw error;
  }
  const jobId = newJobId(ports.now(), draw, submission.request.residency);
  const made = {
    id: jobId,
    beganAtMs: strict.nowMs,
    remixOf: options.remixOf ?? null,
    subject: options.subject ?? null,
    principal: options.principal,
    deletedSince: key === undefined ? deletedMeanwhile : deletedUnderKey,
  };
  if (key === undefined && options.retryCount === undefined) return accept(ports, tenant, submission, made);
  const print = fingerprintOf(ports, input, submission, options.remixOf);
  const ours = { jobId, fingerprint: print.now, ...(options.wire === undefined ? {} : { wire: options.wire }) };
  const where = key === undefined ? { space: `recent/${tenant}`, name: ours.fingerprint } : keyPlace(tenant, key);
  const held = await (key === undefined
    ? claimRetry(ports, where, ours, options.retryCount ?? 0)
    : claimKey(ports, where, ours, print));
  if (held.jobId === jobId) return accept(ports, tenant, submission, { ...made, claim: where });
  const job = await heldJob(ports, where, held);
  if (job !== 'deleted') return job ?? accept(ports, tenant, submission, { ...made, id: held.jobId, claim: where });
  if (key !== undefined) throw deletedUnderKey();
  // A first try that never arrived, of a request whose equal was made and deleted just before.
  await noteRecent(ports, where, ours);
  return accept(ports, tenant, submission, { ...made, claim: where });
}

/** The job that this key and request made while the request was still valid. */
async function madeBefore(
  ports: SubmitPorts,
  tenant: string,
  input: unknown,
  { key, remixOf }: { key: string; remixOf: string | undefined },
): Promise<Job | undefined> {
  const where = keyPlace(tenant, key);
  const held = await claimOf(ports, where);
  if (held === undefined) return undefined;
  try {
    const lenient = parseSubmission(input, ports.models, {
      seed: 0,
      nowMs: null,
      checkUrl: () => undefined,
      residency: ports,
    });
    if (!isPrintOf(held, fingerprintOf(ports, input, lenient, remixOf))) return undefined;
  } catch {
    return undefined; // wrong in itself
  }
  const job = await heldJob(ports, where, held);
  return job === 'deleted' ? undefined : job;
}

function deletedMeanwhile(): ReelayError {
  return new ReelayError('not_found', 'The video that this request made was deleted.');
}

function deletedAfterRedrive(): ReelayError {
  return new ReelayError('not_found', 'the video that it was redriven into was deleted');
}

/** A dead job's request as a new job; again is the same new job. */
export async function submitAgain(ports: SubmitPorts, dead: Job): Promise<Job> {
  const beganAtMs = ports.now();
  const strict = { seed: dead.request.seed, nowMs: beganAtMs, checkUrl: ports.checkWebhookUrl, residency: ports };
  return withInputAgain(ports, dead, async again => {
    const submission = parseSubmission({ ...again, priority: dead.priority }, ports.models, strict);
    const { webhookUrl, maxCost } = dead;
    return submitDead(ports, dead, { ...submission, webhookUrl, maxCost }, beganAtMs);
  });
}

async function submitDead(ports: SubmitPorts, dead: Job, submission: Submission, beganAtMs: number): Promise<Job> {
  const id = newJobId(beganAtMs, ports.random(10), submission.request.residency);
  const ours = { jobId: id, fingerprint: dead.id };
  const where = { space: `redrive/${dead.tenant}`, name: dead.id };
  const held = await claim(ports, { ...where, keepMs: limits.deadLetterDays * 86_400_000 }, ours);
  const there = held.jobId === ours.jobId ? undefined : await heldJob(ports, where, held);
  if (there === 'deleted') throw deletedAfterRedrive();
  const { remixOf, subject } = dead;
  const made = {
    id: held.jobId,
    claim: where,
    redriveOf: dead.id,
    remixOf,
    subject,
    principal: undefined,
    requester: dead.content?.requester,
    beganAtMs,
    deletedSince: deletedAfterRedrive,
  };
  return there ?? accept(ports, dead.tenant, submission, made);
}

/**
 * Runs `use` with what would have to be sent to get the same request again, its file among it. Throws as `withStored` does, and `expired`
 * where the prompts are kept no longer.
 */
export async function withInputAgain<T>(
  ports: ReferencePorts,
  { request, erased }: Pick<Job, 'request' | 'erased'>,
  use: (input: Record<string, unknown>) => Promise<T>,
): Promise<T> {
  if (erased) throw new ReelayError('expired', 'What this video was asked for with is kept no longer.');
  // The task follows from the file, and the length from frames and their rate.
  const { task: _, reference, seconds: __, ...fields } = request;
  const settings = withoutNulls(fields);
  return reference === null
    ? use(settings)
    : withStored(ports, reference, file => use({ ...settings, input_reference: file }));
}

async function accept(ports: SubmitPorts, tenant: string, submission: Submission, made: Made): Promise<Job> {
  try {
    return await acceptOrRefuse(ports, tenant, submission, made);
  } catch (error) {
    await tellRefusal(ports.audit, askerOf(tenant, made.principal), made.id, error);
    throw error;
  }
}

function askerOf(tenant: string, principal: Principal | undefined) {
  return { tenant, keyId: principal?.keyId ?? null };
}

async function acceptOrRefuse(ports: SubmitPorts, tenant: string, submission: Submission, made: Made): Promise<Job> {
  const { store, now } = ports;
  const most = ports.maxQueuedJobs ?? limits.maxQueuedJobs;
  await needRoom(store, most, now());
  const digest = ports.models.find(m => m.id === submission.request.model)?.digest ?? '';
  const subject = submission.user === null ? made.subject : ports.subjects.idOf(tenant, submission.user);
  const planned = newJob(tenant, submission, { ...made, subject, modelDigest: digest, acceptedAt: ports.place }, now());
  if (planned.deadlineAtMs !== null) await checkDeadline(ports, planned, planned.deadlineAtMs);
  // Before the money: whoever is refused owes nothing, and nothing is held up for them.
  const asked = askedFor(ports, tenant, submission, made);
  const judged = await judge(ports, asked, planned.id);
  const held = await holdMoney(ports, planned, made.principal);
  const reference = submission.file === null ? null : await storeReference(ports, planned, submission.file);
  // Nobody is to look at a job that waits for a person: no message is owed.
  const isWaiting = judged.review?.state === 'waiting';
  const outbox = planned.outbox.filter(({ kind }) => !isWaiting || kind !== 'message');
  const accepted = { ...planned, ...held, ...judged, request: { ...planned.request, reference } };
  const job = { ...accepted, outbox: [...outbox, owedSubmit(accepted)] };
  // The tombstone that would stop a create from coming after a removal does not stand for ever.
  if (now() - made.beganAtMs > limits.submitSeconds * 1000)
    throw new ReelayError('store_unavailable', 'The request was held up for too long on its way; send it again.');
  await openJobReview(ports, asked, job.id, judged);
  await noteConsents(ports, judged.content, job.id);
  try {
    await store.create(job);
  } catch (error) {
    if (!(error instanceof ReelayError) || error.code !== 'conflict') throw error;
    // Another request with the same claim was faster; the job is the same.
    const there = await store.get(job.id, tenant);
    if (there === undefined || there.deletedAtMs !== null) throw made.deletedSince();
    return there;
  }
  await relay(ports, job).catch(() => undefined); // the record owes what could not be sent: the sweeper sends it
  return job;
}

/**
 * The last check: what the job may cost is held for it, or it is refused with the sums. From here on nothing gives the money back but the
 * end of the job, or the sweep where no job comes of it: a request that failed here may yet be made by its repetition.
 */
async function holdMoney(
  ports: SubmitPorts,
  job: Job,
  asking: Principal | undefined,
): Promise<Pick<Job, 'keyId' | 'terms' | 'disclosure' | 'keptDays'>> {
  const { accounts, kv, store, now } = ports;
  const principal = asking ?? localPrincipal(await accounts.tenant(job.tenant));
  const terms = await admit({ ...accounts, kv, store, now }, principal, job, job.maxCost ?? undefined);
  if (isRefusal(terms)) throw refusedError(terms);
  const { disclosure = null, outputDays: keptDays = null } = principal.account;
  return { keyId: principal.keyId, terms, disclosure, keptDays };
}

function askedFor(ports: SubmitPorts, tenant: string, { request, file }: Submission, made: Made): Asked {
  const requester = made.requester ?? personOf(tenant, made.principal);
  return askedOf(request, file === null ? null : ports.sha256(file.bytes), { tenant, requester });
}

async function checkDeadline(ports: SubmitPorts, job: Job, deadlineAtMs: number): Promise<void> {
  const earliestMs = (await readStandings(ports, [job])).get(job.id)?.eta?.earliestMs;
  if (earliestMs === undefined || earliestMs <= deadlineAtMs) return;
  const lateSeconds = Math.ceil((earliestMs - deadlineAtMs) / 1000);
  const message = `deadline: the queue is too long for it; at the earliest this job would end ${lateSeconds} s later.`;
  throw invalidRequest([{ path: 'deadline', message }], 'deadline_unattainable');
}

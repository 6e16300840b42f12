/** How a submission is known again: what its claims hold, and the jobs that they stand for. */
import { invalidRequest, type ReelayError } from '../errors.ts';
import type { Job } from '../job.ts';
import { limits } from '../limits.ts';
import { defaultResidency } from '../policy/residency.ts';
import { isUpload } from '../references/read-reference.ts';
import type { Submission } from '../video-request.ts';
import { type Claim, type ClaimKey, claim, claimOf } from './claim.ts';
import type { SubmitPorts } from './submit.ts';

/** Where a claim is kept. */
export type ClaimPlace = Pick<ClaimKey, 'space' | 'name'>;

/** How a request is known again. `before`: as it was written before fingerprints were keyed, for keys that are older than the update. */
export interface Fingerprint {
  readonly now: string;
  readonly before: string;
}

/** Keyed hash of what was asked for, of which a seed that was drawn here is no part; `remixOf` where its settings are another job's. */
export function fingerprintOf(
  ports: Pick<SubmitPorts, 'sha256' | 'subjects'>,
  input: unknown,
  submission: Submission,
  remixOf?: string,
): Fingerprint {
  const { file, request, maxCost, user, ...terms } = submission;
  const { task, strength, reference: _, residency, ...fields } = request;
  const seed = (input as { seed?: unknown }).seed === undefined ? null : request.seed;
  // What says nothing is left out: a request has the fingerprint that it had before the field came, and keys outlive an update.
  const start = file === null ? {} : { task, strength, file: ports.sha256(file.bytes) };
  const where = residency === defaultResidency ? {} : { residency };
  const limit = maxCost === null ? {} : { maxCost };
  const person = user === null ? {} : { user };
  const source = remixOf === undefined ? {} : { remixOf };
  const said = { ...terms, ...start, ...where, ...limit, ...person, ...source };
  const text = canonical({ request: { ...withoutNulls(fields), seed }, ...said });
  return { now: ports.subjects.fingerprint(text), before: ports.sha256(text) };
}

/** Where the claim of a key is kept. */
export function keyPlace(tenant: string, key: string): ClaimPlace {
  return { space: `idempotency/${tenant}`, name: key };
}

/** Keyed hash of a request as it was sent, before anything that it names is looked up; undefined where it is none that could be taken. */
export function wireHashOf(ports: Pick<SubmitPorts, 'subjects'>, wire: object): string | undefined {
  try {
    return ports.subjects.fingerprint(canonical(wire));
  } catch {
    return undefined; // nested too deep to be written down
  }
}

/**
 * The job that a request of this key and wire hash has made; undefined where there is none. So what it named may be gone since. Throws
 * `idempotency_key_reused` for a job that was deleted, and as `checkKey` does.
 */
export async function madeFromWire(
  ports: SubmitPorts,
  tenant: string,
  idempotencyKey: string | undefined,
  wire: string | undefined,
): Promise<Job | undefined> {
  const key = checkKey(idempotencyKey);
  if (key === undefined || wire === undefined) return undefined;
  const where = keyPlace(tenant, key);
  const held = await claimOf(ports, where);
  if (held?.wire !== wire) return undefined;
  const job = await heldJob(ports, where, held);
  if (job === 'deleted') throw deletedUnderKey();
  return job;
}

/** The job of a claim, or that it was deleted; undefined when it was never made. */
export async function heldJob(
  ports: SubmitPorts,
  where: ClaimPlace,
  held: Claim,
): Promise<Job | 'deleted' | undefined> {
  const job = await ports.store.load(held.jobId);
  // The claim says so before the record goes: looked at afterwards, it cannot have been missed.
  const removed = job === undefined && (await claimOf(ports, where))?.removed === true;
  return removed || (job !== undefined && job.deletedAtMs !== null) ? 'deleted' : job;
}

/** What is said of a deleted job's key. */
export function deletedUnderKey(): ReelayError {
  const message = 'Idempotency-Key: the video that this request made was deleted; use a new key to make it again.';
  return invalidRequest([{ path: 'Idempotency-Key', message }], 'idempotency_key_reused');
}

/** A field that is null says nothing. */
export function withoutNulls(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** A key of printable ASCII, as a header can carry it. Throws `invalid_request` for any other. */
export function checkKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (key !== '' && key.length <= limits.maxIdempotencyKeyChars && /^[\x21-\x7e]+$/.test(key)) return key;
  const allowed = `1 to ${limits.maxIdempotencyKeyChars} visible ASCII characters are allowed`;
  throw invalidRequest([
    { path: 'Idempotency-Key', message: `Idempotency-Key: got ${key.length} characters; ${allowed}.` },
  ]);
}

/** Whether a claim was made by this request. */
export function isPrintOf({ fingerprint }: Claim, { now, before }: Fingerprint): boolean {
  return fingerprint === now || fingerprint === before;
}

/** The claim of a key; throws `idempotency_key_reused` where it stands for another request. */
export async function claimKey(ports: SubmitPorts, where: ClaimPlace, ours: Claim, print: Fingerprint): Promise<Claim> {
  const held = await claim(ports, { ...where, keepMs: limits.idempotencyHours * 3_600_000 }, ours);
  if (isPrintOf(held, print)) return held;
  const message =
    'Idempotency-Key: this key was used with a different request before; use a new key for a new request.';
  throw invalidRequest([{ path: 'Idempotency-Key', message }], 'idempotency_key_reused');
}

/** The first try of each request leaves a note for its retries; a later one with count 0 is a new request and leaves its own. */
export async function claimRetry(
  ports: SubmitPorts,
  where: ClaimPlace,
  ours: Claim,
  retryCount: number,
): Promise<Claim> {
  const keepMs = limits.collapseSeconds * 1000;
  if (retryCount >= 1) {
    const before = await claimOf(ports, where);
    // A retry whose first try never arrived is the first; two of them at once meet in the claim.
    return before ?? claim(ports, { ...where, keepMs }, ours);
  }
  await noteRecent(ports, where, ours);
  return ours;
}

/** Leaves a note for the retries of a request. */
export async function noteRecent(ports: SubmitPorts, where: ClaimPlace, ours: Claim): Promise<void> {
  const expiresAtMs = ports.now() + limits.collapseSeconds * 1000;
  await ports.kv.put({ ...where, value: ours, expiresAtMs, dueAtMs: null });
}

/** The same text for equal requests, whatever the order of their fields. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    if (isUpload(part)) return '(a file)'; // told apart where it is read
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * @file Which mark is whose. A row for each payload of 58 bits, named by it:
 *
 *     free -> reserved by one job (before it is rendered) -> with what each attempt made (before the job is committed)
 *
 * Rows outlive their jobs, because marks do: nothing here is removed with a video. A row holds no prompt.
 */
import { ReelayError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';

const PAYLOADS = 'marks/payloads';
/** The payload of a job, by its id. */
const JOBS = 'marks/jobs';

/** What one attempt marked. Of several only that of the job's record was delivered. */
export interface MarkedOutput {
  readonly attempt: number;
  /** Of the C2PA manifest, `urn:c2pa:…`. */
  readonly manifestId: string;
  /** Of the video's bytes as they were stored, lower-case hex. */
  readonly sha256: string;
  /** Of the RGB bytes of all frames before the mark, lower-case hex. */
  readonly framesSha256: string;
  /** 64 bits a picture, hex, of a few moments of the clip (provenance/picture-hash.ts). */
  readonly pictureHashes: readonly string[];
  /** Of the weights. */
  readonly bundleDigest: string;
  readonly watermark: string;
  readonly strength: string;
  readonly markedAtMs: number;
}

/** A row of the registry. */
export interface MarkRow {
  /** 15 hex digits. */
  readonly payload: string;
  readonly jobId: string;
  readonly tenant: string;
  readonly reservedAtMs: number;
  readonly outputs: readonly MarkedOutput[];
}

/** What the registry is kept in. */
export interface MarkPorts {
  readonly kv: KeyValueStore;
  readonly now: () => number;
}

/** A payload's name: 24 bits of tag and 34 of nonce as 15 hex digits. */
export function payloadName({ tag, nonce }: { readonly tag: number; readonly nonce: number }): string {
  return ((BigInt(tag) << 34n) | BigInt(nonce)).toString(16).padStart(15, '0');
}

/**
 * A payload that no other job has, the same for every attempt of a job. `payloadOf` gives the payload of the job for a counter that goes
 * up while it is another's. Throws `internal` where none is found, `store_unavailable`.
 */
export async function reserveMark(
  ports: MarkPorts,
  job: { readonly id: string; readonly tenant: string },
  payloadOf: (counter: number) => string,
): Promise<{ readonly payload: string; readonly counter: number }> {
  for (let counter = 0; counter < limits.markTries; counter++) {
    const payload = payloadOf(counter);
    const value: MarkRow = { payload, jobId: job.id, tenant: job.tenant, reservedAtMs: ports.now(), outputs: [] };
    const fresh = await ports.kv.create({ ...KEPT, space: PAYLOADS, name: payload, value });
    if (fresh !== undefined || (await findMark(ports.kv, payload))?.jobId === job.id) return { payload, counter };
  }
  throw new ReelayError('internal', `No free mark was found in ${limits.markTries} tries.`);
}

/** Notes what an attempt marked; the same attempt again replaces its own note. Throws `internal` where the mark is not the job's. */
export async function recordMark(
  ports: MarkPorts,
  mark: { readonly payload: string; readonly jobId: string },
  output: MarkedOutput,
): Promise<void> {
  const { payload, jobId } = mark;
  for (let tries = 0; tries < limits.markTries; tries++) {
    const entry = await ports.kv.get(PAYLOADS, payload);
    const row = entry?.value as MarkRow | undefined;
    if (entry === undefined || row?.jobId !== jobId) throw new ReelayError('internal', 'The mark is not of this job.');
    const others = row.outputs.filter(one => one.attempt !== output.attempt);
    const outputs = [...others, output].slice(-limits.maxPlacements);
    if ((await ports.kv.replace({ ...entry, value: { ...row, outputs } })) === undefined) continue;
    await ports.kv.put({ ...KEPT, space: JOBS, name: jobId, value: { payload } });
    return;
  }
  throw new ReelayError('store_unavailable', 'The registry of marks is written by too many at once.');
}

/** Whether any mark was ever reserved: from then on there are videos, or soon will be, that only its key knows. */
export async function hasMarks(kv: Pick<KeyValueStore, 'list'>): Promise<boolean> {
  return (await kv.list(PAYLOADS, { limit: 1 })).length > 0;
}

/** Whose mark a payload is; undefined for one that no job of this installation has. */
export async function findMark(kv: KeyValueStore, payload: string): Promise<MarkRow | undefined> {
  return (await kv.get(PAYLOADS, payload))?.value as MarkRow | undefined;
}

/** The row of a job whose video was marked, also when the job was removed since. */
export async function marksOfJob(kv: KeyValueStore, jobId: string): Promise<MarkRow | undefined> {
  const named = (await kv.get(JOBS, jobId))?.value as { readonly payload: string } | undefined;
  return named === undefined ? undefined : findMark(kv, named.payload);
}

const KEPT = { expiresAtMs: null, dueAtMs: null } as const satisfies Partial<KeyValueEntry>;

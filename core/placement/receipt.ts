/**
 * The placement receipt: where a finished job's prompt, references, latents and output were processed and kept, as a document that the
 * installation signs. It says what the installation's settings say of its places; the signature says who said so, and that nothing was
 * changed since.
 */
import type { Artifact, Job, Placement, Variant } from '../job.ts';
import type { Place } from '../policy/residency.ts';
import type { VideoRequest } from '../video-request.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Residency, Site } from './types.ts';

/** What the first line of the signed text says, so that no other text of the key's owner passes for a receipt. */
export const RECEIPT_TYPE = 'reelay-placement-receipt-v1';

/** Where something is kept: the job's record, or the store of its bytes. */
export interface StorePlace {
  readonly store: 'records' | 'objects';
  readonly site: Site;
  readonly region: string;
}

/** Where the stores of a worker stand. */
export type StorePlaces = Readonly<Record<StorePlace['store'], { readonly site: Site; readonly region: string }>>;

/** One attempt, and where it ran. */
export interface ReceiptAttempt extends Place {
  readonly attempt: number;
  /** Hash of the worker's name with the installation's salt, lower-case hex. */
  readonly worker: string;
  /** RFC 3339, by the worker's clock. */
  readonly started_at: string;
  /** Steps that a checkpoint was there for when it began; of the last one, those that it spared in fact. */
  readonly from_step: number;
}

/** Something a job is made of. Whatever its place, it passed through the process of every attempt. */
interface Item {
  /** Every store that held it, outside the workers. */
  readonly kept: readonly StorePlace[];
  /** false only where every place that it passed is known, and on the premises. */
  readonly left_premises: boolean;
}

/** The file that one attempt finished. */
export interface ReceiptFile {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What is signed. Names and order do not matter: the text is the canonical one. */
export interface Receipt {
  readonly type: typeof RECEIPT_TYPE;
  /** Names the public key that verifies it: the RFC 7638 thumbprint of its JWK. */
  readonly key: string;
  readonly job: string;
  /** The dead job that this one was made of, whose attempts are not in here; absent for all others. */
  readonly redrive_of?: string;
  /** Hash of the tenant's name with the installation's salt, lower-case hex. */
  readonly tenant: string;
  /** The class, and its rule as it stood when the job was completed. `regions` null: all. */
  readonly residency: {
    readonly class: string;
    readonly sites: readonly Site[];
    readonly regions: readonly string[] | null;
  };
  readonly model: { readonly id: string; readonly digest: string };
  /** HMAC-SHA-256 of the request, with a key that the job's owner has. */
  readonly request: { readonly hmac_sha256: string };
  /** The front door, where the prompt and the references came in; a null place was not noted. */
  readonly accepted: { readonly at: string; readonly place: Place | null };
  /** In order. Where the first is not attempt 1, what was before it was not noted. The last one finished the job. */
  readonly attempts: readonly ReceiptAttempt[];
  readonly prompt: Item;
  readonly references: readonly (Item & ReceiptFile)[];
  /** `kept` names the store of checkpoints where there were any, or an attempt that died may have left one. */
  readonly latents: Item;
  readonly output: Item & { readonly files: Readonly<Record<Variant, ReceiptFile>> };
  readonly completed_at: string;
}

/** What the record of a finished job does not say. */
export interface ReceiptFacts {
  readonly key: string;
  /** Of a name, with the installation's salt. */
  readonly pseudonym: (name: string) => string;
  readonly rule: Residency;
  /** Lower-case hex. */
  readonly requestHmac: string;
  readonly stores: StorePlaces;
  readonly artifacts: Readonly<Record<Variant, Artifact>>;
  /** The step that the last attempt in fact went on from. */
  readonly resumedAtStep: number;
  /** Of the weights that rendered it: they may have been renewed since the request was accepted. */
  readonly bundleDigest: string;
  /** Whether the last attempt stored checkpoints, also such as never came onto the record. */
  readonly checkpointed: boolean;
  readonly completedAtMs: number;
}

/** The receipt of a job that its current attempt is about to complete. */
export function makeReceipt(job: Job, facts: ReceiptFacts): Receipt {
  const { pseudonym, rule } = facts;
  const attempts = unbroken(job.placements).map((placement): ReceiptAttempt => {
    const { pool, site, region, attempt, worker, startedAtMs, fromStep } = placement;
    const from_step = attempt === job.attempt ? facts.resumedAtStep : fromStep;
    return { pool, site, region, attempt, worker: pseudonym(worker), started_at: timeOf(startedAtMs), from_step };
  });
  const accepted = { at: timeOf(job.createdAtMs), place: job.acceptedAt };
  const item = (kept: readonly StorePlace[], doors: readonly (Place | null)[] = []): Item => {
    return { kept, left_premises: leftPremises({ attempts, kept, doors }) };
  };
  const [records, objects] = (['records', 'objects'] as const).map(store => {
    const { site, region } = facts.stores[store];
    return { store, site, region };
  });
  const hasCheckpoints = facts.checkpointed || job.furthestStep > 0 || job.checkpoint !== null || job.attempt > 1;
  const { reference } = job.request;
  return {
    type: RECEIPT_TYPE,
    key: facts.key,
    job: job.id,
    ...(job.redriveOf === null ? {} : { redrive_of: job.redriveOf }),
    tenant: pseudonym(job.tenant),
    residency: { class: job.request.residency, sites: rule.sites, regions: rule.regions ?? null },
    model: { id: job.request.model, digest: facts.bundleDigest },
    request: { hmac_sha256: facts.requestHmac },
    accepted,
    attempts,
    prompt: item([records!], [accepted.place]),
    references: reference === null ? [] : [{ ...fileOf(reference), ...item([objects!], [accepted.place]) }],
    latents: item(hasCheckpoints ? [objects!] : []),
    output: { files: filesOf(facts.artifacts), ...item([objects!]) },
    completed_at: timeOf(facts.completedAtMs),
  };
}

/**
 * The places that are noted without a gap, up to the last one: while an installation is updated, a worker of before may have run one
 * attempt without noting it.
 */
function unbroken(placements: readonly Placement[]): readonly Placement[] {
  const gap = placements.findLastIndex((one, n) => n > 0 && one.attempt !== placements[n - 1]!.attempt + 1);
  return gap === -1 ? placements : placements.slice(gap);
}

/** What an item passed: every attempt, the stores that kept it, and the doors it came in by. */
export interface Passed {
  readonly attempts: readonly Pick<ReceiptAttempt, 'attempt' | 'site'>[];
  readonly kept: readonly Pick<StorePlace, 'site'>[];
  readonly doors: readonly (Pick<Place, 'site'> | null)[];
}

/** Whether something left the premises, or may have: a place that is not known is not on them. */
export function leftPremises({ attempts, kept, doors }: Passed): boolean {
  if (attempts[0]?.attempt !== 1) return true;
  return [...attempts, ...kept, ...doors].some(place => place?.site !== 'onprem');
}

/** The text whose UTF-8 bytes are signed. */
export function signedText(receipt: Receipt): string {
  return `${RECEIPT_TYPE}\n${canonicalJson(receipt)}`;
}

/** The document: one canonical text, so that every change of a byte shows. `signature` is lower-case hex, 64 bytes. */
export function receiptDocument(receipt: Receipt, signature: string): string {
  return canonicalJson({ receipt, signature });
}

/** What the request's HMAC is of: the request as it was rendered, its reference by its bytes and not by where they lie. */
export function requestText({ reference, ...request }: VideoRequest): string {
  const start = reference === null ? null : fileOf(reference);
  return canonicalJson({ ...request, reference: start }, 'escaped');
}

function fileOf({ sha256, bytes }: ReceiptFile): ReceiptFile {
  return { sha256, bytes };
}

function filesOf({ video, thumbnail, spritesheet }: Readonly<Record<Variant, Artifact>>) {
  return { video: fileOf(video), thumbnail: fileOf(thumbnail), spritesheet: fileOf(spritesheet) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

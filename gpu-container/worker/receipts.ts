import { createHash, createHmac } from 'node:crypto';
import { placeOf, ReelayError } from '#core/errors.ts';
import type { Artifact, Job, JobMarking, JobReceipt, Variant } from '#core/job.ts';
import type { JobWarning } from '#core/job-warnings.ts';
import { receiptKey } from '#core/keys.ts';
import { makeReceipt, requestText, type StorePlaces } from '#core/placement/receipt.ts';
import { type ReceiptSigner, signReceipt } from '#core/placement/sign-receipt.ts';
import { type ResidencyClasses, residencyRule } from '#core/policy/residency.ts';
import type { BlobStore, KeyValueStore } from '#core/ports.ts';
import type { Heartbeat } from './heartbeat.ts';

/** What only the worker that finished a job knows of it. */
export interface Finished {
  readonly artifacts: Readonly<Record<Variant, Artifact>>;
  /** The marks of the video, in the registry by now. */
  readonly marking: JobMarking;
  /** 0: from the first step. */
  readonly resumedAtStep: number;
  /** Of the weights that rendered it. */
  readonly bundleDigest: string;
  /** Whether checkpoints were stored. */
  readonly checkpointed: boolean;
  /** What the model took no notice of. */
  readonly warnings: readonly JobWarning[];
  readonly completedAtMs: number;
}

/** A signed receipt, before it is stored. */
export interface MadeReceipt {
  readonly document: string;
  /** Lower-case hex: with it, and the request, the receipt's HMAC can be made again. */
  readonly requestKey: string;
  /** An earlier attempt ran where the rule does not allow it. */
  readonly breached: boolean;
}

/** Gives the receipts of one installation. Throws `internal` where a receipt would not hold, `store_unavailable`. */
export interface Receipts {
  /** Before a job is rendered: what no receipt can be made without is at hand. Rendering first would be for nothing. */
  prepare(): Promise<void>;
  make(job: Job, finished: Finished): Promise<MadeReceipt>;
}

/** What receipts are made with. */
export interface ReceiptOptions {
  readonly signer: ReceiptSigner;
  readonly stores: StorePlaces;
  readonly classes: ResidencyClasses;
  /** Holds the installation's salt, which all of its workers share. */
  readonly kv: KeyValueStore;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
}

/** Receipts in the name of the signer's installation. */
export function createReceipts(options: ReceiptOptions): Receipts {
  const { signer, stores, classes, random } = options;
  let salt: string | undefined;
  const readSalt = async (): Promise<string> => {
    salt ??= await installationSalt(options);
    return salt;
  };
  return {
    prepare: async () => void (await readSalt()),
    make: async (job, finished) => {
      const salted = await readSalt();
      // Of its own for each job: who is shown one can guess at no other prompt, and it goes with the record.
      const requestKey = Buffer.from(random(KEY_BYTES));
      const receipt = makeReceipt(job, {
        ...finished,
        key: signer.key,
        pseudonym: name => createHash('sha256').update(`${salted}\n${name}`).digest('hex'),
        rule: residencyRule(classes, job.request.residency) ?? { sites: [] },
        requestHmac: createHmac('sha256', requestKey).update(requestText(job.request)).digest('hex'),
        stores,
      });
      return { ...signReceipt(signer, receipt), requestKey: requestKey.toString('hex') };
    },
  };
}

/** As long as the hash that they feed. */
const KEY_BYTES = 32;
const SALT = { space: 'receipts/installation', name: 'salt' };

/** Made by the first worker that needs it; of several at once, that of the first to write stands. */
async function installationSalt({ kv, random }: ReceiptOptions): Promise<string> {
  const value = Buffer.from(random(KEY_BYTES)).toString('hex');
  const entry =
    (await kv.get(SALT.space, SALT.name)) ??
    (await kv.create({ ...SALT, value, expiresAtMs: null, dueAtMs: null })) ??
    (await kv.get(SALT.space, SALT.name));
  if (typeof entry?.value === 'string') return entry.value;
  throw new ReelayError('store_unavailable', 'The salt of this installation cannot be read.');
}

/** What storing a receipt needs. */
export interface ReceiptPorts {
  readonly blobs: BlobStore;
  readonly receipts: Receipts;
  readonly log: (level: 'error', message: string, fields: Record<string, unknown>) => void;
}

/** The receipt below the attempt that made the video, and what the record says of it. Throws as `make` and the heartbeat's signal do. */
export async function storeReceipt(ports: ReceiptPorts, heartbeat: Heartbeat, finished: Finished): Promise<JobReceipt> {
  const job = heartbeat.job();
  const which = { jobId: job.id, attempt: job.attempt };
  const { document, requestKey, breached } = await ports.receipts.make(job, finished).catch((error: unknown) => {
    ports.log('error', 'no receipt', { ...which, why: error instanceof ReelayError ? error.message : placeOf(error) });
    throw error;
  });
  if (breached) ports.log('error', 'residency broken by an earlier attempt', which);
  heartbeat.signal.throwIfAborted();
  const bytes = Buffer.from(document, 'utf8');
  const key = receiptKey(job, job.attempt);
  const stored = await ports.blobs.put(key, bytes, { contentType: 'application/json' });
  if (stored.bytes !== bytes.length)
    throw new ReelayError(
      'store_unavailable',
      `The store holds ${stored.bytes} bytes of ${bytes.length} of the receipt.`,
    );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { key, bytes: bytes.length, sha256, requestKey };
}

import { newReceiptKey, receiptKeysFrom } from '#adapters/receipt-keys.ts';
import type { Artifact, Job } from '#core/job.ts';
import { makeReceipt, type Receipt, type ReceiptFacts } from '#core/placement/receipt.ts';
import { signReceipt } from '#core/placement/sign-receipt.ts';
import { builtInResidency, type Place } from '#core/policy/residency.ts';
import { makeJob, startMs } from '#test/contracts/make-job.ts';

export const keys = receiptKeysFrom(newReceiptKey(), 'the key of a test');
export const home: Place = { pool: 'onprem-a', site: 'onprem', region: 'cellar' };
export const cloud: Place = { pool: 'cloud-spot', site: 'cloud', region: 'eu-central-1' };
const STORES = {
  home: { records: { site: 'onprem', region: 'cellar' }, objects: { site: 'onprem', region: 'cellar' } },
  cloud: { records: { site: 'cloud', region: 'eu-central-1' }, objects: { site: 'cloud', region: 'eu-central-1' } },
} as const;

const artifact = (n: number): Artifact => {
  return { key: `videos/acme/x/attempt=1/${n}`, contentType: 'video/mp4', bytes: n, sha256: `${n}`.padStart(64, '0') };
};
export const artifacts = { video: artifact(1_001), thumbnail: artifact(2), spritesheet: artifact(3) };

/** A job of a class whose attempts ran there, one after the other. */
export function ranAt(residency: string, places: readonly Place[], overrides: Partial<Job> = {}): Job {
  const job = makeJob(overrides);
  const placements = places.map((place, n) => ({
    ...place,
    attempt: n + 1,
    worker: `worker-${n}`,
    startedAtMs: startMs + n * 1_000,
    fromStep: n * 3,
  }));
  const request = { ...job.request, residency };
  return { ...job, acceptedAt: home, placements, attempt: places.length, request, ...overrides };
}

/** The receipt of such a job; what is kept is kept at home unless said otherwise. */
export function receiptOf(job: Job, stores: keyof typeof STORES = 'home', facts: Partial<ReceiptFacts> = {}): Receipt {
  return makeReceipt(job, {
    key: keys.key,
    pseudonym: name => Buffer.from(name.padEnd(32).slice(0, 32)).toString('hex'),
    rule: builtInResidency[job.request.residency] ?? { sites: [] },
    requestHmac: 'ab'.repeat(32),
    stores: STORES[stores],
    artifacts,
    resumedAtStep: 0,
    bundleDigest: 'd9'.repeat(32),
    checkpointed: false,
    completedAtMs: startMs + 60_000,
    ...facts,
  });
}

/** And its signed text. */
export function documentOf(receipt: Receipt): string {
  return signReceipt(keys, receipt).document;
}

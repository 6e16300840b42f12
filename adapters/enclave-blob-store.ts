import { isJobId } from '#core/job-id.ts';
import type { BlobStore } from '#core/ports.ts';
import { type ByClass, partOfJob, standardPart } from './enclaves.ts';

/** The blob stores of several residency classes as one: bytes of a job lie in the store of its class. */
export function composeBlobStores(stores: ByClass<BlobStore>): BlobStore {
  const holder = (key: string) => {
    const jobId = jobOf(key);
    return jobId === undefined ? standardPart(stores) : partOfJob(stores, jobId);
  };
  return {
    put: async (key, bytes, options) => holder(key).put(key, bytes, options),
    head: async key => holder(key).head(key),
    get: async (key, range) => holder(key).get(key, range),
    presign: async (key, options) => holder(key).presign(key, options),
    async deletePrefix(prefix) {
      // A prefix above the jobs may hold those of every class.
      if (jobOf(prefix) !== undefined) return holder(prefix).deletePrefix(prefix);
      for (const store of stores.values()) await store.deletePrefix(prefix);
    },
  };
}

/** The job that a key names, as core/keys.ts writes them: `videos/<tenant>/<id>/…`, `references/<tenant>/<id>/…`. */
function jobOf(key: string): string | undefined {
  return key.split('/').find(isJobId);
}

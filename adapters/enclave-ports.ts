import type { BlobStore, JobQueue, JobStore } from '#core/ports.ts';
import { composeBlobStores } from './enclave-blob-store.ts';
import { composeJobQueues } from './enclave-job-queue.ts';
import { composeJobStores } from './enclave-job-store.ts';
import { type ByClass, standardPart } from './enclaves.ts';

/** What one residency class has of its own. Entries, events and webhooks are the installation's. */
export interface EnclavePorts {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly deadLetters: JobQueue;
  readonly blobs: BlobStore;
}

/** Several enclaves as the ports of one front door; a single one as it is, so that it costs no more than it did alone. */
export function composeEnclaves(enclaves: ByClass<EnclavePorts>): EnclavePorts {
  const only = standardPart(enclaves);
  if (enclaves.size === 1) {
    const { store, queue, deadLetters, blobs } = only;
    return { store, queue, deadLetters, blobs };
  }
  const each = <Part>(part: (ports: EnclavePorts) => Part) =>
    new Map([...enclaves].map(([name, ports]) => [name, part(ports)]));
  return {
    store: composeJobStores(each(({ store }) => store)),
    queue: composeJobQueues(each(({ queue }) => queue)),
    deadLetters: composeJobQueues(each(({ deadLetters }) => deadLetters)),
    blobs: composeBlobStores(each(({ blobs }) => blobs)),
  };
}

/** What runs in memory in the simulation keeps what the ports promise, by the suites that the real adapters pass. */
import { blobStoreContract } from '#test/contracts/blob-store.contract.ts';
import { eventBusContract } from '#test/contracts/event-bus.contract.ts';
import { jobQueueContract } from '#test/contracts/job-queue.contract.ts';
import { jobStoreContract } from '#test/contracts/job-store.contract.ts';
import { keyValueStoreContract } from '#test/contracts/key-value-store.contract.ts';
import { createMemoryBlobStore } from './memory-blob-store.ts';
import { createMemoryEventBus } from './memory-event-bus.ts';
import { createMemoryJobQueue } from './memory-job-queue.ts';
import { createMemoryJobStore } from './memory-job-store.ts';
import { createMemoryKeyValueStore } from './memory-key-value-store.ts';
import { realTimers } from './virtual-time.ts';

const close = async () => undefined;

jobQueueContract('The queue in memory', async () => ({ queue: createMemoryJobQueue({ timers: realTimers }), close }));

jobStoreContract('The job store in memory', async () => ({
  store: createMemoryJobStore({ nowMs: realTimers.nowMs }),
  close,
}));

keyValueStoreContract('The key value store in memory', async () => ({ kv: createMemoryKeyValueStore(), close }));

blobStoreContract('The blob store in memory', async () => ({ blobs: createMemoryBlobStore(), close }));

eventBusContract('The bus in memory', async () => {
  const events = createMemoryEventBus();
  return { events, received: async () => events.received, close };
});

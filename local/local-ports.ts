import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalEventBus } from '#adapters/local/local-event-bus.ts';
import { createSqliteJobQueue, deadLetterQueue } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { defaultShare, type TenantShare } from '#core/jobs/fair-order.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { ModelCatalog } from '#core/models.ts';

/** What the operator may decide about a data folder; the same for all processes that open it. */
export interface LocalPolicy {
  readonly shareOf?: (tenant: string) => TenantShare;
  readonly maxQueuedJobs?: number;
}

/** What the ports of one process are made of. */
export interface LocalPortsOptions extends LocalPolicy {
  readonly db: DatabaseSync;
  readonly folder: string;
  /** Names this process to the others of the folder. */
  readonly owner: string;
  readonly models: ModelCatalog;
  readonly now: () => number;
}

/** Everything that accepting and ending jobs needs, on one data folder: SQLite for records, queues and facts, files for bytes. */
export function createLocalPorts(options: LocalPortsOptions): SubmitPorts {
  const { db, folder, owner, now, models } = options;
  return {
    store: createSqliteJobStore(db),
    queue: createSqliteJobQueue(db, { owner, now }),
    deadLetters: createSqliteJobQueue(db, { owner, now, queue: deadLetterQueue }),
    kv: createSqliteKeyValueStore(db),
    blobs: createFileBlobStore(join(folder, 'blobs')),
    events: createLocalEventBus(join(folder, 'events.jsonl')),
    now,
    models,
    random: randomBytes,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    shareOf: options.shareOf ?? (() => defaultShare),
    checkWebhookUrl: () => undefined,
    enqueueDeliveries: async () => undefined,
    ...(options.maxQueuedJobs === undefined ? {} : { maxQueuedJobs: options.maxQueuedJobs }),
  };
}

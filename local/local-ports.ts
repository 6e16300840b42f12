import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalAudit, type LocalAudit } from '#adapters/local/local-audit.ts';
import { createLocalEventBus } from '#adapters/local/local-event-bus.ts';
import { openSealing } from '#adapters/local/master-key-file.ts';
import { createSqliteJobQueue, deadLetterQueue } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { createScrub } from '#adapters/local/sqlite-scrub.ts';
import { floorForAll } from '#adapters/policy-files.ts';
import { createAccounts } from '#core/accounts/accounts.ts';
import { freePrices, type PriceList } from '#core/accounts/price-list.ts';
import type { Disclosing } from '#core/audit/disclosing.ts';
import type { Governing } from '#core/governance/gate.ts';
import { defaultShare, type TenantShare } from '#core/jobs/fair-order.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { ModelCatalog } from '#core/models.ts';
import { builtInResidency, type Place, type ResidencyClasses } from '#core/policy/residency.ts';
import type { ContentPolicies } from '#core/policy/reviews/content-ports.ts';
import type { Provider } from '#core/provider.ts';
import { type AllowList, nothingAllowed } from '#core/webhooks/allow-list.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { WebhookPorts } from '#core/webhooks/ports.ts';
import { checkWebhookUrl } from '#core/webhooks/webhook-url.ts';

/** A machine of one's own that nobody gave a name. */
export const localPlace: Place = { pool: 'local', site: 'onprem', region: 'local' };

/** What the operator may decide about a data folder. */
export interface LocalPolicy {
  readonly shareOf?: (tenant: string) => TenantShare;
  readonly maxQueuedJobs?: number;
  /** Where this process stands; `localPlace` unless said otherwise. */
  readonly place?: Place;
  /** The rules of residency; the built-in ones unless said otherwise. */
  readonly classes?: ResidencyClasses;
  /** Where the pools of the installation stand; where this process does unless said otherwise. */
  readonly servedPlaces?: readonly Place[];
  /** What things cost; nothing unless said otherwise. */
  readonly prices?: PriceList;
  /** Internal receivers of webhooks; none unless named. */
  readonly webhookAllow?: AllowList;
  /** Tenants' own rules of content; the floor alone unless said otherwise. */
  readonly content?: ContentPolicies;
  /** What this process renders on; the CPU unless said otherwise. Nothing renders on another one instead. */
  readonly provider?: Provider;
  /** What videos disclose beside their marks; `usualDisclosure` unless said otherwise. */
  readonly disclosing?: Disclosing;
  /** Which bundles may be offered; `undecided` unless said otherwise. */
  readonly governing?: Governing;
}

/** The ports of the job verbs, and those of the webhooks. */
export interface LocalPorts extends SubmitPorts {
  readonly webhooks: WebhookPorts;
  readonly audit: LocalAudit;
  /** Rejects with a sentence where this folder's prompts were sealed with another master key. */
  readonly checkMasterKey: () => Promise<void>;
  /** Leaves nothing of what was overwritten in the database's files. */
  readonly scrub: () => Promise<void>;
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
export function createLocalPorts(options: LocalPortsOptions): LocalPorts {
  const { db, folder, owner, now, models, webhookAllow: allow = nothingAllowed, place = localPlace } = options;
  const kv = createSqliteKeyValueStore(db);
  const sealing = openSealing(folder, { kv, now });
  const webhooks = createWebhookPorts({ kv, allow, now });
  const events = createLocalEventBus(join(folder, 'events.jsonl'));
  const enqueue: LocalPorts['enqueueDeliveries'] = (event, url) => enqueueDeliveries(webhooks, event, url);
  return {
    store: sealing.store(createSqliteJobStore(db)),
    subjects: sealing.subjects,
    checkMasterKey: sealing.check,
    scrub: createScrub(db),
    queue: createSqliteJobQueue(db, { owner, now }),
    deadLetters: createSqliteJobQueue(db, { owner, now, queue: deadLetterQueue }),
    kv,
    webhooks,
    audit: createLocalAudit(folder, { kv, blobs: createFileBlobStore(join(folder, 'blobs')), now }),
    blobs: sealing.blobs(createFileBlobStore(join(folder, 'blobs'))),
    events,
    now,
    models,
    place,
    classes: options.classes ?? builtInResidency,
    servedPlaces: options.servedPlaces ?? [place],
    random: randomBytes,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    shareOf: options.shareOf ?? (() => defaultShare),
    content: options.content ?? floorForAll(),
    checkWebhookUrl: url => checkWebhookUrl(url, allow),
    enqueueDeliveries: enqueue,
    accounts: createAccounts({
      ...{ kv, events, now, random: randomBytes, enqueueDeliveries: enqueue },
      prices: options.prices ?? freePrices,
      sleep: ms => sleep(ms),
    }),
    ...(options.maxQueuedJobs === undefined ? {} : { maxQueuedJobs: options.maxQueuedJobs }),
  };
}

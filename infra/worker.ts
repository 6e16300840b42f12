/**
 * What a GPU worker is, whichever stack or machine runs it: its rights on an enclave, its environment, and the folders that it writes.
 */
import { formatBundlePin } from '#core/bundle-objects.ts';
import type { ModelCatalog } from '#core/models.ts';
import type { Grant } from '#infra/functions.ts';

/** A worker's rights on each enclave that it may serve, and on the bus. */
export const workerGrants: readonly Grant[] = [
  {
    on: 'table',
    actions: [
      'dynamodb:GetItem',
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
    ],
  },
  {
    on: 'queue',
    actions: [
      'sqs:ReceiveMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:SendMessage',
      'sqs:GetQueueAttributes',
    ],
  },
  // Workers sweep as well: what the queue itself gave up comes back as a job that fails with a reason.
  {
    on: 'deadLetterQueue',
    actions: [
      'sqs:SendMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
    ],
  },
  { on: 'bucket', actions: ['s3:ListBucket', 's3:GetObject', 's3:DeleteObject'], prefixes: ['videos/', 'references/'] },
  { on: 'bucket', actions: ['s3:PutObject'], prefixes: ['videos/'] },
  { on: 'eventBus', actions: ['events:PutEvents'] },
  // Closed segments of the audit ledger: nobody deletes one, and workers need not read any.
  { on: 'auditBucket', actions: ['s3:PutObject'], prefixes: ['audit/'] },
];

/** Model bundles lie in the bucket of the standard class, whoever is served. */
export const bundleGrants: readonly Grant[] = [
  { on: 'bucket', actions: ['s3:ListBucket', 's3:GetObject'], prefixes: ['bundles/'] },
];

/** The root of the container is read-only: these are its writable volumes, as gpu-container/Dockerfile names them. */
export const writableFolders = { tmp: '/tmp', cache: '/cache' } as const;

/** Who writes them: the image's user and group, as its Dockerfile says. */
export const workerUid = 10_001;

/** The image's own health check, which ECS does not read from the image. Times are seconds; the first beat comes before any bundle. */
export const healthCheck = {
  command: ['CMD', '/app/node_modules/node/bin/node', '/app/gpu-container/health.ts'],
  intervalSeconds: 30,
  timeoutSeconds: 10,
  startSeconds: 180,
  retries: 3,
} as const;

const SHARED = [
  'REELAY_QUEUE_URL',
  'REELAY_DEAD_LETTER_QUEUE_URL',
  'REELAY_TABLE',
  'REELAY_BUCKET',
  'REELAY_EVENT_BUS',
  'REELAY_AUDIT_BUCKET',
  'REELAY_RESIDENCY',
  'REELAY_SHARES',
  'REELAY_WEBHOOK_ALLOW',
] as const;

/** What every worker in a container is told, less its enclaves and its place; `variables` and `policies` are those of the core stack. */
export function workerEnvironment(
  variables: Readonly<Record<string, string>>,
  cards: ModelCatalog,
  policies = '',
): Readonly<Record<string, string>> {
  return {
    REELAY_POLICY: policies,
    ...Object.fromEntries(SHARED.map(name => [name, variables[name] ?? ''])),
    REELAY_BUNDLE_DIGESTS: cards.map(card => `${card.id}=${formatBundlePin(card)}`).join(','),
    REELAY_PROVIDER: 'cuda',
    REELAY_CACHE: writableFolders.cache,
    REELAY_SCRATCH: `${writableFolders.tmp}/reelay`,
    REELAY_HEALTH_FILE: `${writableFolders.tmp}/reelay-health.json`,
  };
}

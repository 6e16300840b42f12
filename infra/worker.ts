/**
 * What a GPU worker is, whichever stack or machine runs it: its rights on an enclave, its environment, and the folders that it writes.
 */
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
];

/** Model bundles lie in the bucket of the standard class, whoever is served. */
export const bundleGrants: readonly Grant[] = [
  { on: 'bucket', actions: ['s3:ListBucket', 's3:GetObject'], prefixes: ['bundles/'] },
];

/** The root of the container is read-only: these are its writable volumes. */
export const writableFolders: Readonly<Record<string, string>> = {
  tmp: '/tmp',
  reelay: '/var/lib/reelay',
};

/** REELAY_BUNDLE_DIGESTS of the offered models: `id=digest,id=digest`. */
export function bundleDigests(cards: ModelCatalog): string {
  return cards.map(({ id, digest }) => `${id}=${digest}`).join(',');
}

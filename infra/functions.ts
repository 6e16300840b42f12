/**
 * Every function of Reelay as plain data: what CDK makes of it is infra/constructs/reelay-function.ts, what live development makes of
 * it is infra/front. No imports, so that any of them may read it; numbers that core/limits.ts has too are held together by
 * test/infra/functions.test.ts.
 */

/**
 * A resource that a function may act on; the first four are those of every enclave, and a table has its indexes with it.
 */
export type GrantTarget = 'queue' | 'deadLetterQueue' | 'table' | 'bucket' | 'eventBus' | 'wakeQueue' | 'auditBucket';

/** IAM actions on one resource; `prefixes` narrow those on objects to keys below them, actions on the bucket itself stay whole. */
export interface Grant {
  readonly on: GrantTarget;
  /** Only the enclave of the standard class, where the key value entries are; else all of them. */
  readonly only?: 'standard';
  /** Of a table only its indexes: they hold keys and what the table's definition lets them carry, never a record. */
  readonly indexesOnly?: true;
  readonly actions: readonly string[];
  readonly prefixes?: readonly string[];
}

/** What calls a function. `queue` hands messages over in batches and takes back those that failed. */
export type Trigger =
  | { readonly kind: 'http' }
  | { readonly kind: 'schedule'; readonly everyMinutes: number }
  | { readonly kind: 'queue'; readonly queue: 'drop' | 'wake'; readonly batchSize: number }
  | { readonly kind: 'stream'; readonly batchSize: number };

/** One Lambda function. `env` names what must be in its environment; the stack that makes it knows the values. */
export interface FunctionSpec {
  readonly stack: 'core' | 'gpu';
  /** File of the checkout and the name it exports. */
  readonly file: string;
  readonly export: string;
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly env: readonly string[];
  readonly grants: readonly Grant[];
  readonly triggers: readonly Trigger[];
}

/** Every environment variable that the API's functions share. */
const SHARED_ENV = [
  'REELAY_QUEUE_URL',
  'REELAY_DEAD_LETTER_QUEUE_URL',
  'REELAY_TABLE',
  'REELAY_BUCKET',
  'REELAY_EVENT_BUS',
  'REELAY_ENCLAVES',
  'REELAY_RESIDENCY',
  'REELAY_MODELS_FILE',
  'REELAY_PRICES',
  'REELAY_POLICY',
  'REELAY_API_KEY_SHA256',
  'REELAY_MASTER_KEY',
  'REELAY_SHARES',
  'REELAY_WEBHOOK_ALLOW',
  'REELAY_POOL',
  'REELAY_SITE',
  'REELAY_REGION',
  'REELAY_POOLS',
] as const;

/** The store's verbs as DynamoDB calls; nothing scans a table. */
const TABLE_ACTIONS = [
  'dynamodb:GetItem',
  'dynamodb:BatchGetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
];
/** Without the right to list, S3 answers a missing key with 403. */
const READ_OBJECTS = ['s3:GetObject', 's3:ListBucket'];
const JOB_PREFIXES = ['videos/', 'references/'];

/**
 * What of the table's stream the autoscaler is told, as patterns over a record: a job came into the queue, left it, or its lease
 * ended; a worker came or went. Attributes come and go with what they say (adapters/aws/dynamo-job-item.ts); progress and heartbeats
 * change none of these.
 */
export const fleetNews: readonly object[] = [
  { eventName: ['INSERT'], dynamodb: { NewImage: { queuePlace: { S: [{ exists: true }] } } } },
  {
    eventName: ['MODIFY'],
    dynamodb: {
      NewImage: { queuePlace: { S: [{ exists: true }] } },
      OldImage: { queuePlace: { S: [{ exists: false }] } },
    },
  },
  {
    eventName: ['MODIFY', 'REMOVE'],
    dynamodb: {
      NewImage: { queuePlace: { S: [{ exists: false }] } },
      OldImage: { queuePlace: { S: [{ exists: true }] } },
    },
  },
  {
    eventName: ['MODIFY', 'REMOVE'],
    dynamodb: {
      NewImage: { leaseEndsMs: { N: [{ exists: false }] } },
      OldImage: { leaseEndsMs: { N: [{ exists: true }] } },
    },
  },
  // A worker's beats replace its entry, which is a MODIFY. With this one there are as many patterns as Lambda takes.
  { eventName: ['INSERT', 'REMOVE'], dynamodb: { Keys: { id: { S: [{ prefix: 'kv#workers/' }] } } } },
];

/** Submitting is a write to the table, a message and an event; what a job starts from is put below references/. */
const SUBMIT: readonly Grant[] = [
  { on: 'table', actions: TABLE_ACTIONS },
  { on: 'queue', actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes'] },
  { on: 'deadLetterQueue', actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes'] },
  { on: 'eventBus', actions: ['events:PutEvents'] },
];

/** The functions by name. */
export const functions = {
  api: {
    stack: 'core',
    file: 'functions/lambda.ts',
    export: 'handler',
    description: 'The HTTP API',
    // A body with a reference comes in base64 and is decoded: several copies of 4.5 MB, and more CPU to parse them with.
    memoryMiB: 1_024,
    // HTTP API gives a function 30 seconds.
    timeoutSeconds: 29,
    env: SHARED_ENV,
    grants: [
      ...SUBMIT,
      { on: 'bucket', actions: [...READ_OBJECTS, 's3:DeleteObject'], prefixes: JOB_PREFIXES },
      { on: 'bucket', actions: ['s3:PutObject'], prefixes: ['references/'] },
    ],
    triggers: [{ kind: 'http' }],
  },
  tick: {
    stack: 'core',
    file: 'functions/lambda.ts',
    export: 'tickHandler',
    description: 'Sweeps and webhooks, while no worker is up to make them',
    memoryMiB: 512,
    // The next minute brings the next one; receivers of webhooks may be slow.
    timeoutSeconds: 55,
    env: SHARED_ENV,
    grants: [
      ...SUBMIT,
      {
        on: 'deadLetterQueue',
        actions: ['sqs:ReceiveMessage', 'sqs:ChangeMessageVisibility', 'sqs:DeleteMessage'],
      },
      { on: 'bucket', actions: [...READ_OBJECTS, 's3:DeleteObject'], prefixes: JOB_PREFIXES },
    ],
    triggers: [{ kind: 'schedule', everyMinutes: 1 }],
  },
  drop: {
    stack: 'core',
    file: 'functions/lambda.ts',
    export: 'dropHandler',
    description: 'Takes in what lands below drop/, and finishes its receipts',
    // The files that one drop names are in memory while it is taken in: 128 MB of them.
    memoryMiB: 1_024,
    timeoutSeconds: 120,
    env: [...SHARED_ENV, 'REELAY_TENANT'],
    grants: [
      // A drop is of the standard class: one that asks for another is refused.
      ...SUBMIT.map(grant => ({ ...grant, only: 'standard' as const })),
      {
        on: 'bucket',
        only: 'standard',
        actions: READ_OBJECTS,
        prefixes: ['drop/', 'out/', 'rejected/', ...JOB_PREFIXES],
      },
      { on: 'bucket', only: 'standard', actions: ['s3:PutObject'], prefixes: ['out/', 'rejected/', 'references/'] },
      { on: 'bucket', only: 'standard', actions: ['s3:DeleteObject'], prefixes: JOB_PREFIXES },
    ],
    triggers: [
      { kind: 'queue', queue: 'drop', batchSize: 5 },
      { kind: 'schedule', everyMinutes: 1 },
    ],
  },
  autoscale: {
    stack: 'gpu',
    file: 'functions/autoscale-lambda.ts',
    export: 'handler',
    description: 'Moves the fleet: at every enqueue, start and finish, when it asked to be woken, and every minute',
    memoryMiB: 512,
    timeoutSeconds: 30,
    env: [
      'REELAY_TABLE',
      'REELAY_ENCLAVES',
      'REELAY_RESIDENCY',
      'REELAY_FLEET',
      'REELAY_WAIT_TARGETS',
      'REELAY_WAKE_QUEUE_URL',
    ],
    grants: [
      { on: 'table', indexesOnly: true, actions: ['dynamodb:Query'] },
      { on: 'table', only: 'standard', actions: TABLE_ACTIONS },
      { on: 'wakeQueue', actions: ['sqs:SendMessage'] },
    ],
    triggers: [
      { kind: 'stream', batchSize: 100 },
      { kind: 'queue', queue: 'wake', batchSize: 10 },
      { kind: 'schedule', everyMinutes: 1 },
    ],
  },
} as const satisfies Readonly<Record<string, FunctionSpec>>;

/** The API's routes in API Gateway's notation: those of functions/routes.ts, word for word. */
export const apiRoutes: readonly string[] = [
  'GET /health',
  'GET /v1/models',
  'GET /v1/models/{id}',
  'GET /v1/videos/models',
  'POST /v1/videos/quote',
  'POST /v1/videos/edits',
  'POST /v1/videos/extensions',
  'POST /v1/videos/characters',
  'GET /v1/videos/characters/{id}',
  'POST /v1/videos/{id}/remix',
  'POST /v1/videos',
  'GET /v1/videos',
  'GET /v1/videos/{id}',
  'DELETE /v1/videos/{id}',
  'POST /v1/videos/{id}/cancel',
  'GET /v1/videos/{id}/content',
  'GET /v1/videos/{id}/events',
  'GET /v1/videos/{id}/receipt',
  'POST /v1/verify',
  'POST /v1/policy/appeals',
  'GET /v1/policy/reviews',
  'GET /v1/policy/reviews/{id}',
  'POST /v1/policy/reviews/{id}/approve',
  'POST /v1/policy/reviews/{id}/deny',
  'POST /v1/policy/consents',
  'GET /v1/policy/consents',
  'GET /v1/policy/consents/{id}/outputs',
  'DELETE /v1/policy/consents/{id}',
  'DELETE /v1/subjects/{subject}',
  'GET /v1/subjects/{subject}/export',
  'GET /v1/usage',
  'GET /v1/webhook_event_types',
  'POST /v1/webhook_endpoints',
  'GET /v1/webhook_endpoints',
  'GET /v1/webhook_endpoints/{id}',
  'POST /v1/webhook_endpoints/{id}',
  'DELETE /v1/webhook_endpoints/{id}',
  'POST /v1/webhook_endpoints/{id}/rotate_secret',
  'POST /v1/webhook_endpoints/{id}/test',
  'GET /v1/webhook_endpoints/{id}/deliveries',
  'POST /v1/webhook_deliveries/{id}/replay',
  'GET /v1/webhooks/default/secret',
  'POST /v1/webhooks/default/secret/rotate',
  'GET /v1/keys',
  'POST /v1/keys',
  'DELETE /v1/keys/{id}',
  'POST /v1/keys/{id}/rotate',
  'GET /v1/tenants',
  'POST /v1/tenants',
  'GET /v1/tenants/{id}',
  'POST /v1/tenants/{id}',
  'GET /v1/installation',
  'POST /v1/installation',
];

/** The stack output that carries the value of an environment variable: REELAY_QUEUE_URL is ReelayQueueUrl. */
export function outputOf(variable: string): string {
  const words = variable.toLowerCase().split('_');
  return words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** @file The functions of infra/functions.ts as live development makes them: data only, so that the CDK's rendering can be held beside it. */
import { type FunctionSpec, type Grant, type GrantTarget, outputOf } from '#infra/functions.ts';

/** Where deployed names become ARNs. */
export interface Account {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** An IAM statement that allows something. */
export interface Permission {
  readonly actions: string[];
  readonly resources: string[];
}

/** Outputs of deployed stacks by name. */
export type Outputs = Readonly<Record<string, string | undefined>>;

/** What sst.aws.Function is given, without its outputs. */
export interface LiveFunction {
  /** `file without its ending.export`, as SST and Lambda write it. */
  readonly handler: string;
  readonly description: string;
  readonly memory: `${number} MB`;
  readonly timeout: `${number} seconds`;
  /** What must be in its environment, each with the output that has its value. */
  readonly env: Readonly<Record<string, string>>;
}

/** One function of the table. */
export function liveFunction(spec: FunctionSpec): LiveFunction {
  return {
    handler: `${spec.file.replace(/\.ts$/, '')}.${spec.export}`,
    description: spec.description,
    memory: `${spec.memoryMiB} MB`,
    timeout: `${spec.timeoutSeconds} seconds`,
    env: Object.fromEntries(spec.env.map(name => [name, outputOf(name)])),
  };
}

/** Variables that name what a function acts on, by what its grants call it. */
const NAMED_BY: Readonly<Record<GrantTarget, string>> = {
  queue: 'REELAY_QUEUE_URL',
  deadLetterQueue: 'REELAY_DEAD_LETTER_QUEUE_URL',
  table: 'REELAY_TABLE',
  bucket: 'REELAY_BUCKET',
  eventBus: 'REELAY_EVENT_BUS',
  wakeQueue: 'REELAY_WAKE_QUEUE_URL',
  auditBucket: 'REELAY_AUDIT_BUCKET',
};

/**
 * Environment from the outputs of the deployed stacks. What a stage leaves empty has no output and stays empty; throws naming the
 * outputs that say what the function acts on and are missing.
 */
export function liveEnvironment(spec: FunctionSpec, outputs: Outputs): Record<string, string> {
  const needed = new Set(spec.grants.map(grant => outputOf(NAMED_BY[grant.on])));
  const missing = [...needed].filter(output => !outputs[output]);
  if (missing.length > 0) throw new Error(`${spec.export}: the deployed stacks have no output ${missing.join(', ')}`);
  return Object.fromEntries(
    Object.entries(liveFunction(spec).env).map(([name, output]) => [name, outputs[output] ?? '']),
  );
}

interface EnclaveNames {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly table: string;
  readonly bucket: string;
}

/**
 * The grants of the table on what is deployed; `queue`, `table`, `deadLetterQueue` and `bucket` mean those of every enclave. Keys of
 * enclaves that have one of their own are not among them: live functions cannot open what lies there.
 */
export function livePermissions(spec: FunctionSpec, outputs: Outputs, account: Account): Permission[] {
  const enclaves = enclavesOf(outputs);
  const onBucket = (action: string) => action === 's3:ListBucket';
  return spec.grants
    .flatMap(grant => {
      if (grant.on !== 'bucket')
        return { actions: [...grant.actions], resources: resourcesOf(grant, enclaves, outputs, account) };
      const buckets = enclaves.map(({ bucket }) => `arn:${account.partition}:s3:::${bucket}`);
      const keys = buckets.flatMap(arn => (grant.prefixes ?? ['']).map(prefix => `${arn}/${prefix}*`));
      return [
        { actions: grant.actions.filter(onBucket), resources: buckets },
        { actions: grant.actions.filter(action => !onBucket(action)), resources: keys },
      ];
    })
    .filter(({ actions }) => actions.length > 0);
}

function enclavesOf(outputs: Outputs): readonly EnclaveNames[] {
  const standard = {
    queueUrl: outputs[outputOf('REELAY_QUEUE_URL')] ?? '',
    deadLetterQueueUrl: outputs[outputOf('REELAY_DEAD_LETTER_QUEUE_URL')] ?? '',
    table: outputs[outputOf('REELAY_TABLE')] ?? '',
    bucket: outputs[outputOf('REELAY_BUCKET')] ?? '',
  };
  const others = JSON.parse(outputs[outputOf('REELAY_ENCLAVES')] || '{}') as Record<string, EnclaveNames>;
  return [standard, ...Object.values(others)];
}

function resourcesOf(
  { on, actions }: Grant,
  enclaves: readonly EnclaveNames[],
  outputs: Outputs,
  { partition, region, accountId }: Account,
): string[] {
  const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${accountId}:${resource}`;
  const output = (variable: string) => outputs[outputOf(variable)] ?? '';
  switch (on) {
    case 'queue':
      return enclaves.map(({ queueUrl }) => arn('sqs', nameOf(queueUrl)));
    case 'deadLetterQueue':
      return enclaves.map(({ deadLetterQueueUrl }) => arn('sqs', nameOf(deadLetterQueueUrl)));
    case 'wakeQueue':
      return [arn('sqs', nameOf(output(NAMED_BY.wakeQueue)))];
    case 'eventBus':
      return [arn('events', `event-bus/${output(NAMED_BY.eventBus)}`)];
    case 'table': {
      // An index is a resource of its own, and only queries use one.
      const tables = enclaves.map(({ table }) => arn('dynamodb', `table/${table}`));
      return actions.includes('dynamodb:Query') ? tables.flatMap(table => [table, `${table}/index/*`]) : tables;
    }
    default:
      return [];
  }
}

/** A queue's name is the last part of its URL. */
function nameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

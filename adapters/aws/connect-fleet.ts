import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ReelayError } from '#core/errors.ts';
import type { JobBrief } from '#core/jobs/brief.ts';
import type { Fleet } from '#core/placement/fleet.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import type { FleetSettings } from '#core/placement/fleet-settings.ts';
import type { JobStore, KeyValueStore } from '#core/ports.ts';
import { type Environment, requiredFrom } from './connect.ts';
import type { OnUnreadable } from './dynamo-job-item.ts';
import { createDynamoJobStore } from './dynamo-job-store.ts';
import { createDynamoKeyValueStore } from './dynamo-key-value-store.ts';
import { briefsInStream } from './dynamo-stream.ts';
import { createEcsFleet } from './ecs-fleet.ts';
import { createSqsWakeQueue } from './sqs-wake-queue.ts';

/** What the controller of the fleet has of AWS: queries of the tables' indexes, entries, ECS, one queue. No bucket, no bus. */
export interface AwsFleetPorts {
  readonly kv: KeyValueStore;
  readonly stores: readonly Pick<JobStore, 'listBriefs'>[];
  readonly fleet: Fleet;
  readonly wake: (delaySeconds: number) => Promise<void>;
  readonly briefsIn: (event: unknown) => readonly JobBrief[];
}

/**
 * The ports by REELAY_TABLE, REELAY_WAKE_QUEUE_URL and, of REELAY_ENCLAVES, the tables: of those only indexes are read. `onUnreadable` is told
 * of jobs whose briefs are damaged.
 */
export function connectFleet(
  env: Environment,
  { cluster, services }: FleetSettings,
  onUnreadable: OnUnreadable,
): AwsFleetPorts {
  const client = new DynamoDBClient();
  const table = requiredFrom(env, 'REELAY_TABLE');
  const tables = [table, ...enclaveTables(env.REELAY_ENCLAVES)];
  return {
    kv: createDynamoKeyValueStore({ client, table }),
    stores: tables.map(name => createDynamoJobStore({ client, table: name, onUnreadable })),
    fleet: createEcsFleet({ client: ecsClient(), cluster, services }),
    wake: createSqsWakeQueue({ client: new SQSClient(), queueUrl: requiredFrom(env, 'REELAY_WAKE_QUEUE_URL') }),
    briefsIn: event => briefsInStream(event, onUnreadable),
  };
}

/** One that gives up: the SDK's own waits for ever, until the function is ended in the middle of whatever it does. */
function ecsClient(): ECSClient {
  const { fleetCallMs, fleetCallTries } = fleetLimits;
  const requestHandler = {
    connectionTimeout: fleetCallMs,
    requestTimeout: fleetCallMs,
    // Else it only warns.
    throwOnRequestTimeout: true,
  };
  return new ECSClient({ requestHandler, maxAttempts: fleetCallTries });
}

/** Tables of further residency classes: their jobs keep workers of the premises busy, which is all that is looked for there. */
function enclaveTables(text: string | undefined): readonly string[] {
  if (text === undefined || text.trim() === '') return [];
  const tables = tablesIn(text);
  if (tables?.every(table => typeof table === 'string' && table !== '')) return tables as readonly string[];
  throw new ReelayError(
    'invalid_request',
    'REELAY_ENCLAVES: a JSON object of {"class": {"table": "name", ...}} is allowed.',
  );
}

function tablesIn(text: string): readonly unknown[] | undefined {
  try {
    return Object.values(JSON.parse(text) as Record<string, { table?: unknown } | null>).map(one => one?.table);
  } catch {
    return undefined;
  }
}

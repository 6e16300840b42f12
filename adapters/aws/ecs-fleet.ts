import {
  DescribeServicesCommand,
  DescribeTasksCommand,
  type ECSClient,
  paginateListTasks,
  type Service,
  type Task,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { ReelayError } from '#core/errors.ts';
import type { Fleet, FleetPool, FleetServer } from '#core/placement/fleet.ts';
import { fromAws } from './aws-error.ts';

/** What DescribeServices, DescribeTasks and UpdateTaskProtection take at once. */
const SERVICES_AT_ONCE = 10;
const TASKS_AT_ONCE = 100;
const PROTECTIONS_AT_ONCE = 10;

/**
 * What service events say when no machine is to be had. That no instance is there yet is said of every start from zero and is none of
 * them: such a task waits in PROVISIONING, and whoever waits too long for it takes that for a refusal.
 */
const REFUSALS =
  /capacity is unavailable|insufficient (?:instance )?capacity|InsufficientInstanceCapacity|UnfulfillableCapacity|MaxSpotInstanceCountExceeded|VcpuLimitExceeded|SpotMaxPriceTooLow/i;

/** A cluster, and the service that is each pool. */
export interface EcsFleetOptions {
  readonly client: ECSClient;
  readonly cluster: string;
  readonly services: ReadonlyMap<string, string>;
}

/**
 * A fleet of ECS services, one a pool: a server is a task, named by the task's id. Throws `store_unavailable` when ECS fails or throttles;
 * not retryable for a service that is not there.
 */
export function createEcsFleet({ client, cluster, services }: EcsFleetOptions): Fleet {
  const serviceOf = (pool: string) => {
    const service = services.get(pool);
    if (service === undefined) throw new ReelayError('internal', `No service of the cluster is the pool ${pool}.`);
    return service;
  };
  const protect = async (ids: readonly string[], protectionEnabled: boolean, expiresInMinutes?: number) => {
    const done: string[] = [];
    for (const tasks of inBatches(ids, PROTECTIONS_AT_ONCE)) {
      const expiry = expiresInMinutes === undefined ? {} : { expiresInMinutes };
      const command = new UpdateTaskProtectionCommand({ cluster, tasks, protectionEnabled, ...expiry });
      // A task that is gone, or not protectable yet, comes back among the failures.
      const { protectedTasks = [] } = await client.send(command);
      for (const task of protectedTasks)
        if (task.protectionEnabled === protectionEnabled) done.push(idOf(task.taskArn ?? ''));
    }
    return done;
  };
  return {
    read: () =>
      access(async () => {
        const described = await describeServices(client, cluster, [...services.values()]);
        return Promise.all(
          [...services].map(async ([pool, name]) => {
            const service = described.find(
              ({ serviceName, serviceArn }) => name === serviceName || name === serviceArn,
            );
            if (service === undefined || service.status === 'INACTIVE') throw missing(name, cluster);
            return poolOf(pool, service, await tasksOf(client, cluster, name));
          }),
        );
      }),
    setDesired: (pool, desiredCount) =>
      access(async () => {
        await client.send(new UpdateServiceCommand({ cluster, service: serviceOf(pool), desiredCount }));
      }),
    protect: (_, ids, minutes) => access(() => protect(ids, true, minutes)),
    unprotect: (_, ids) =>
      access(async () => {
        await protect(ids, false);
      }),
  };
}

async function describeServices(client: ECSClient, cluster: string, names: readonly string[]) {
  const found: Service[] = [];
  for (const services of inBatches(names, SERVICES_AT_ONCE))
    found.push(...((await client.send(new DescribeServicesCommand({ cluster, services }))).services ?? []));
  return found;
}

/** Tasks that shall run; those told to stop only drain, and are nobody's any more. */
async function tasksOf(client: ECSClient, cluster: string, serviceName: string): Promise<readonly Task[]> {
  const arns: string[] = [];
  const query = { cluster, serviceName, desiredStatus: 'RUNNING' } as const;
  for await (const { taskArns = [] } of paginateListTasks({ client, pageSize: TASKS_AT_ONCE }, query))
    arns.push(...taskArns);
  const tasks: Task[] = [];
  for (const batch of inBatches(arns, TASKS_AT_ONCE))
    tasks.push(...((await client.send(new DescribeTasksCommand({ cluster, tasks: batch }))).tasks ?? []));
  return tasks;
}

function poolOf(pool: string, service: Service, tasks: readonly Task[]): FleetPool {
  const refusals = (service.events ?? []).filter(event => REFUSALS.test(event.message ?? ''));
  const times = refusals.flatMap(({ createdAt }) => (createdAt === undefined ? [] : [createdAt.getTime()]));
  return {
    pool,
    desired: service.desiredCount ?? 0,
    servers: tasks.map(serverOf).sort((a, b) => a.launchedAtMs - b.launchedAtMs || (a.id < b.id ? -1 : 1)),
    refusedAtMs: times.length === 0 ? null : Math.max(...times),
  };
}

const STARTING = new Set(['PROVISIONING', 'PENDING', 'ACTIVATING']);

function serverOf(task: Task): FleetServer {
  const { taskArn = '', lastStatus = '', desiredStatus = 'RUNNING', containerInstanceArn, createdAt } = task;
  const starting = STARTING.has(lastStatus);
  const phase =
    desiredStatus !== 'RUNNING' ? 'draining' : starting ? 'launching' : lastStatus === 'RUNNING' ? 'up' : 'draining';
  return {
    id: idOf(taskArn),
    phase,
    launchedAtMs: createdAt?.getTime() ?? 0,
    awaitsMachine: phase === 'launching' && lastStatus === 'PROVISIONING' && containerInstanceArn === undefined,
  };
}

/** `arn:…:task/cluster/id`, and before that `arn:…:task/id`. */
function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

function inBatches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

function missing(service: string, cluster: string): ReelayError {
  const message = `The cluster ${cluster} has no active service ${service}; REELAY_FLEET names it.`;
  return new ReelayError('store_unavailable', message, { retryable: false });
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromAws(error, 'The GPU fleet');
  }
}

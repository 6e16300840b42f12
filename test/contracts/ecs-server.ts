/** The calls of ECS that the fleet makes, over HTTP as ECS speaks it, in front of the fake cluster. Refuses what ECS would refuse. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ReelayError } from '#core/errors.ts';
import type { FakeCluster, FakeTask } from '#test/autoscale/fake-cluster.ts';

type Input = Readonly<Record<string, unknown>>;

const ARN = 'arn:aws:ecs:us-east-1:123456789012';

/** Service events by pool, which a test may add to. */
export interface EcsServer {
  readonly endpoint: string;
  readonly events: Map<string, { readonly message: string; readonly createdAt: number }[]>;
  close(): Promise<void>;
}

/** Services are named `service-<pool>`, in the cluster `gpus`. */
export async function startEcs(cluster: FakeCluster, nowMs: () => number): Promise<EcsServer> {
  const events: EcsServer['events'] = new Map();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const answer = await act(
      cluster,
      events,
      nowMs,
      action,
      JSON.parse(Buffer.concat(chunks).toString()) as Input,
    ).catch((error: unknown) => ({ __type: error instanceof ReelayError ? 'ThrottlingException' : String(error) }));
    const status = '__type' in answer ? 400 : 200;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events,
    close: () => new Promise(resolve => server.close(() => resolve())),
  };
}

async function act(
  cluster: FakeCluster,
  events: EcsServer['events'],
  nowMs: () => number,
  action: string,
  input: Input,
): Promise<object> {
  if (input.cluster !== 'gpus') throw new Error('ClusterNotFoundException');
  const pools = await cluster.read();
  const ids = ((input.tasks ?? []) as string[]).map(arn => arn.slice(arn.lastIndexOf('/') + 1));
  const poolOf = (service: unknown) => String(service).replace('service-', '');
  const known = (id: string) => cluster.tasks.find(task => task.id === id && !task.stopped);
  switch (action) {
    case 'DescribeServices': {
      const names = input.services as string[];
      if (names.length > 10) throw new Error('InvalidParameterException');
      const services = pools
        .filter(({ pool }) => names.includes(`service-${pool}`))
        .map(({ pool, desired }) => ({
          serviceName: `service-${pool}`,
          status: 'ACTIVE',
          desiredCount: desired,
          events: events.get(pool) ?? [],
        }));
      return { services, failures: [] };
    }
    case 'ListTasks': {
      const mine = cluster.tasks.filter(task => task.pool === poolOf(input.serviceName) && !task.stopped);
      const from = Number(input.nextToken ?? 0);
      const to = from + Math.min(100, Number(input.maxResults ?? 100));
      return { taskArns: mine.slice(from, to).map(arnOf), ...(to < mine.length && { nextToken: String(to) }) };
    }
    case 'DescribeTasks':
      if (ids.length > 100) throw new Error('InvalidParameterException');
      return { tasks: ids.flatMap(id => known(id) ?? []).map(taskOf), failures: [] };
    case 'UpdateService':
      await cluster.setDesired(poolOf(input.service), Number(input.desiredCount));
      return { service: {} };
    case 'UpdateTaskProtection': {
      if (ids.length > 10) throw new Error('InvalidParameterException');
      const minutes = Number(input.expiresInMinutes ?? 120);
      const done: string[] = [];
      for (const { pool } of pools) {
        if (input.protectionEnabled === true) done.push(...(await cluster.protect(pool, ids, minutes)));
        else {
          await cluster.unprotect(pool, ids);
          done.push(...ids.filter(id => known(id)?.pool === pool));
        }
      }
      const expirationDate = nowMs() / 1_000 + minutes * 60;
      return {
        protectedTasks: done.map(id => ({
          taskArn: `${ARN}:task/gpus/${id}`,
          protectionEnabled: input.protectionEnabled,
          ...(input.protectionEnabled === true && { expirationDate }),
        })),
        failures: ids.filter(id => !done.includes(id)).map(id => ({ arn: id, reason: 'MISSING' })),
      };
    }
    default:
      throw new Error(`UnknownOperationException ${action}`);
  }
}

const arnOf = (task: FakeTask) => `${ARN}:task/gpus/${task.id}`;

function taskOf(task: FakeTask) {
  const { orderedAtMs, machineAtMs, upAtMs } = task;
  return {
    taskArn: arnOf(task),
    lastStatus: upAtMs !== undefined ? 'RUNNING' : machineAtMs !== undefined ? 'PENDING' : 'PROVISIONING',
    desiredStatus: 'RUNNING',
    createdAt: orderedAtMs / 1_000,
    ...(machineAtMs !== undefined && { containerInstanceArn: `${ARN}:container-instance/gpus/i-${task.id}` }),
  };
}

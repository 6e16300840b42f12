import { ECSClient } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { createEcsFleet } from '#adapters/aws/ecs-fleet.ts';
import { type AutoscalePorts, autoscale } from '#core/placement/autoscale.ts';
import { memoryKey } from '#core/placement/fleet-memory.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { builtInResidency } from '#core/policy/residency.ts';
import { functions } from '#infra/functions.ts';
import { createFakeCluster } from '#test/autoscale/fake-cluster.ts';
import { scaledPools } from '#test/autoscale/world.ts';
import { clientConfig, startAwsServers } from '#test/contracts/aws-servers.ts';
import { startEcs } from '#test/contracts/ecs-server.ts';
import { type Calls, createCallCounter, total } from './call-counter.ts';

/** Of one look of the controller at an installation in which nothing waits and nothing runs. */
const CALLS = {
  'dynamodb:GetItem': 1, // what it remembers
  'dynamodb:Query': 9, // the queue; leases and presences in four partitions each
  'ecs:DescribeServices': 1,
  'ecs:ListTasks': 2,
};
const LOOKS_A_DAY = 1_440 / functions.autoscale.triggers[2].everyMinutes;

/** Dollars a day, us-east-1, prices of the design's list (unsure, November 2026). Of ECS only machines are paid for. */
function dollarsADay(calls: Calls, memoryBytes: number): Record<string, number> {
  const reads = Math.ceil(memoryBytes / 4_096) + 0.5 * (calls['dynamodb:Query'] ?? 0);
  // A look waits for ECS and the table; 0.4 s is assumed, and no run here can show it.
  const gigabyteSeconds = (0.4 * functions.autoscale.memoryMiB) / 1_024;
  return {
    table: (LOOKS_A_DAY * reads * 0.125 + 24 * Math.ceil(memoryBytes / 1_024) * 0.625) / 1e6,
    function: LOOKS_A_DAY * (gigabyteSeconds * 0.0000133334 + 0.2 / 1e6),
    // Lambda asks the wake-up queue with five long polls of 20 s at a time.
    polls: (5 * 4_320 * 0.4) / 1e6,
    metrics: (5 * 0.3) / 30,
    alarms: (3 * 0.1) / 30,
  };
}

test('an idle fleet is looked at by these calls, writes nothing between the hours, and costs some cents a day', async () => {
  let nowMs = 1_800_000_000_000;
  const aws = await startAwsServers();
  const names = scaledPools.map(({ id }) => id);
  const ecs = await startEcs(
    createFakeCluster(() => nowMs, names),
    () => nowMs,
  );
  const client = new ECSClient(clientConfig(ecs.endpoint));
  const counter = createCallCounter();
  counter.watch('dynamodb', aws.clients.dynamo);
  counter.watch('ecs', client);
  const services = new Map(names.map(pool => [pool, `service-${pool}`]));
  let asked = 0;
  const ports: AutoscalePorts = {
    kv: aws.kv,
    stores: [aws.store],
    fleet: createEcsFleet({ client, cluster: 'gpus', services }),
    pools: scaledPools,
    waitTargetSeconds: usualWaitTargets,
    classes: builtInResidency,
    now: () => nowMs,
    wake: async () => void asked++,
    publish: () => undefined,
    log: () => undefined,
  };
  await autoscale(ports, []);
  counter.take();
  const looks = 20;
  for (let look = 0; look < looks; look++) {
    nowMs += 60_000;
    await autoscale(ports, []);
  }
  const calls = counter.take();
  const entry = await aws.kv.get(memoryKey.space, memoryKey.name);
  client.destroy();
  await Promise.all([ecs.close(), aws.close()]);
  expect(calls).toEqual(Object.fromEntries(Object.entries(CALLS).map(([name, count]) => [name, looks * count])));
  expect(asked).toBe(0);
  const each = Object.fromEntries(Object.entries(calls).map(([name, count]) => [name, count / looks]));
  const parts = dollarsADay(each, JSON.stringify(entry?.value).length);
  const dollars = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const told = Object.entries(parts).map(([name, part]) => `${name} ${part.toFixed(4)}`);
  process.stdout.write(
    `an idle day: ${LOOKS_A_DAY * total(each)} calls, $${dollars.toFixed(3)} (${told.join(', ')})\n`,
  );
  expect(dollars).toBeLessThan(0.1);
});

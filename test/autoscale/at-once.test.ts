import { ECSClient } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { createEcsFleet } from '#adapters/aws/ecs-fleet.ts';
import { briefOf } from '#core/jobs/brief.ts';
import { type AutoscalePorts, autoscale } from '#core/placement/autoscale.ts';
import { type FleetMemory, memoryKey } from '#core/placement/fleet-memory.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { builtInResidency } from '#core/policy/residency.ts';
import { clientConfig, startAwsServers } from '#test/contracts/aws-servers.ts';
import { startEcs } from '#test/contracts/ecs-server.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { createFakeCluster } from './fake-cluster.ts';
import { scaledPools } from './world.ts';

test('four runs at once, again and again: each job is learned once, orders only rise with the queue, and hardly a run gives up', async () => {
  let nowMs = 1_800_000_000_000;
  const aws = await startAwsServers();
  const names = scaledPools.map(({ id }) => id);
  const cluster = createFakeCluster(() => nowMs, names);
  const ecs = await startEcs(cluster, () => nowMs);
  const client = new ECSClient(clientConfig(ecs.endpoint));
  const services = new Map(names.map(pool => [pool, `service-${pool}`]));
  const told = { acted: 0, gaveUp: 0, made: 0 };
  const ports: AutoscalePorts = {
    kv: aws.kv,
    stores: [aws.store],
    fleet: createEcsFleet({ client, cluster: 'gpus', services }),
    pools: scaledPools,
    waitTargetSeconds: usualWaitTargets,
    classes: builtInResidency,
    now: () => nowMs,
    wake: async () => undefined,
    publish: () => undefined,
    log: (_, __, { acted }) => {
      if (acted === true) told.acted++;
    },
  };
  const lane = async () => {
    for (let turn = 0; turn < 15; turn++, nowMs += 300) {
      const job = makeJob({ createdAtMs: nowMs - 200_000 });
      await aws.store.create(job);
      told.made++;
      await autoscale(ports, [briefOf(job)!]).catch(() => void told.gaveUp++);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  const { placement } = (await aws.kv.get(memoryKey.space, memoryKey.name))!.value as FleetMemory;
  client.destroy();
  await Promise.all([ecs.close(), aws.close()]);
  expect(placement.recentArrivals).toHaveLength(told.made);
  expect(told.acted).toBeGreaterThan(10);
  // Nothing is between two runs of a lane here, as under no trigger; whoever gives up is called again with its news.
  expect(told.gaveUp).toBeLessThanOrEqual(2);
  const wishes = cluster.orders.map(({ servers }) => servers);
  expect(wishes).toEqual([...wishes].sort((a, b) => a - b));
});

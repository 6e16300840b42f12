import { ECSClient } from '@aws-sdk/client-ecs';
import { expect, test } from 'vitest';
import { createEcsFleet } from '#adapters/aws/ecs-fleet.ts';
import { createFakeCluster } from '#test/autoscale/fake-cluster.ts';
import { clientConfig } from './aws-servers.ts';
import { startEcs } from './ecs-server.ts';
import { fleetContract } from './fleet.contract.ts';

function openCluster() {
  let nowMs = 1_800_000_000_000;
  const cluster = createFakeCluster(() => nowMs, ['a', 'b']);
  return {
    cluster,
    now: () => nowMs,
    hands: {
      pass: (seconds: number) => {
        for (let second = 0; second < seconds; second++, nowMs += 1_000) cluster.advance();
        cluster.advance();
      },
      setCapacity: (pool: string, has: boolean) => {
        cluster.pools.get(pool)!.hasCapacity = has;
      },
      fail: (seconds: number) => {
        cluster.outageUntilMs = nowMs + seconds * 1_000;
      },
    },
  };
}

async function openEcs() {
  const { cluster, now, hands } = openCluster();
  const ecs = await startEcs(cluster, now);
  const client = new ECSClient({ ...clientConfig(ecs.endpoint), maxAttempts: 1 });
  const services = new Map([
    ['a', 'service-a'],
    ['b', 'service-b'],
  ]);
  const fleet = createEcsFleet({ client, cluster: 'gpus', services });
  return { fleet, ecs, client, cluster, now, ...hands, close: ecs.close };
}

fleetContract('The fake cluster', async () => {
  const { cluster, hands } = openCluster();
  return { fleet: cluster, ...hands, close: async () => undefined };
});

fleetContract('ECS', openEcs);

test('a service event that says there is no capacity is a refusal, and one that says there is no instance yet is none', async () => {
  const { fleet, ecs, now, close } = await openEcs();
  const at = (seconds: number) => now() / 1_000 - seconds;
  ecs.events.set('a', [
    { message: '(service service-a) has reached a steady state.', createdAt: at(1) },
    {
      message:
        'service a was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.',
      createdAt: at(30),
    },
    { message: '(service a) was unable to place a task. Reason: InsufficientInstanceCapacity', createdAt: at(90) },
  ]);
  ecs.events.set('b', [
    {
      message:
        'service b was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your capacity provider.',
      createdAt: at(5),
    },
  ]);
  const refusals = (await fleet.read()).map(({ refusedAtMs }) => refusedAtMs);
  expect(refusals).toEqual([now() - 30_000, null]);
  await close();
});

test('a cluster of more tasks than one call takes is read whole', async () => {
  const { fleet, pass, close } = await openEcs();
  await fleet.setDesired('a', 230);
  pass(10);
  const [pool] = await fleet.read();
  expect(new Set(pool?.servers.map(({ id }) => id)).size).toBe(230);
  await close();
});

test('a service that is not there is said by name, and asking again does not help', async () => {
  const { client, close } = await openEcs();
  const fleet = createEcsFleet({ client, cluster: 'gpus', services: new Map([['c', 'service-c']]) });
  const refusal = { code: 'store_unavailable', retryable: false, message: expect.stringContaining('service-c') };
  await expect(fleet.read()).rejects.toMatchObject(refusal);
  await close();
});

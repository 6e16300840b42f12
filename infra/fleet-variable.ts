import { Stack } from 'aws-cdk-lib';
import type { CfnService } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { ModelCatalog } from '#core/models.ts';
import { gpuInstances } from './gpu-instances.ts';
import type { FleetSettings, Settings } from './settings-types.ts';

/** A service and the pool that it is. */
export interface ScaledService {
  readonly pool: string;
  readonly market: 'spot' | 'ondemand';
  readonly maxTasks: number;
  readonly service: CfnService;
}

/** EC2 bills by the second, a minute at least. */
const MIN_BILLED_SECONDS = 60;

/** Dollars an hour of the fleet's first instance type. */
export function pricesOf(fleet: FleetSettings): Readonly<Record<'spot' | 'ondemand', number>> {
  const { onDemandUsd, spotUsd } = gpuInstances[fleet.instanceTypes[0] ?? '']!;
  const ondemand = fleet.pricePerHourUsd ?? onDemandUsd;
  return { ondemand, spot: Number(((ondemand * spotUsd) / onDemandUsd).toFixed(4)) };
}

/** REELAY_FLEET: the services of the cluster as pools, and the pools on the premises that are known beforehand. */
export function fleetVariable(
  scope: Construct,
  { onPrem, modelSpeed }: Settings,
  fleet: FleetSettings,
  cluster: string,
  services: readonly ScaledService[],
  cards: ModelCatalog,
): string {
  const stack = Stack.of(scope);
  const speed = Object.fromEntries(cards.map(({ id }) => [id, modelSpeed[id] ?? 1]));
  const prices = pricesOf(fleet);
  return stack.toJsonString({
    cluster,
    services: services.map(({ pool, market, maxTasks, service }) => ({
      pool,
      service: service.attrName,
      site: 'cloud',
      region: stack.region,
      kind: market,
      pricePerHourUsd: prices[market],
      minServers: market === 'ondemand' ? fleet.minTasks : 0,
      maxServers: maxTasks,
      minBilledSeconds: MIN_BILLED_SECONDS,
      speed,
      coldStartSeconds: fleet.coldStartSeconds,
    })),
    fixed: onPrem.map(({ pool, region, servers }) => ({
      pool,
      site: 'onprem',
      region,
      kind: 'fixed',
      pricePerHourUsd: 0,
      minServers: servers,
      maxServers: servers,
      speed,
    })),
  });
}

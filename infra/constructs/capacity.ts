import type { CfnCapacityProvider } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { FleetSettings } from '../settings-types.ts';
import { createAsgCapacity } from './asg-capacity.ts';
import type { GpuNetwork } from './gpu-network.ts';
import { createManagedCapacity } from './managed-capacity.ts';

/** How machines come to one service of the fleet. */
export interface CapacityProps {
  readonly fleet: FleetSettings;
  readonly network: GpuNetwork;
  readonly clusterName: string;
  readonly clusterArn: string;
  readonly market: 'spot' | 'ondemand';
  readonly maxTasks: number;
}

/** The machines of one service, from none, in the fleet's mode. */
export function createCapacity(scope: Construct, id: string, props: CapacityProps): CfnCapacityProvider {
  return props.fleet.mode === 'asg' ? createAsgCapacity(scope, id, props) : createManagedCapacity(scope, id, props);
}

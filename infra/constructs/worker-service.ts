import { type CfnCapacityProvider, CfnService, type TaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { FleetSettings } from '../settings-types.ts';
import type { GpuNetwork } from './gpu-network.ts';

/** What one service of the fleet is made of. */
export interface WorkerServiceProps {
  readonly fleet: FleetSettings;
  readonly network: GpuNetwork;
  readonly clusterArn: string;
  readonly capacity: CfnCapacityProvider;
  readonly task: TaskDefinition;
}

/** One service from zero on one capacity provider; nothing but the autoscaler says how many. */
export function createWorkerService(scope: Construct, id: string, props: WorkerServiceProps): CfnService {
  const { fleet, network, capacity, task } = props;
  const awsvpcConfiguration = {
    subnets: network.subnetIds,
    securityGroups: [network.securityGroup.securityGroupId],
    assignPublicIp: 'DISABLED',
  };
  return new CfnService(scope, id, {
    cluster: props.clusterArn,
    taskDefinition: task.taskDefinitionArn,
    // A first create needs no quota.
    desiredCount: 0,
    capacityProviderStrategy: [{ capacityProvider: capacity.ref, weight: 1 }],
    // A deployment stops idle tasks first and waits for those that work; a GPU more than the maximum is nowhere to be had.
    deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
    enableEcsManagedTags: true,
    propagateTags: 'SERVICE',
    ...(fleet.mode === 'asg' ? {} : { networkConfiguration: { awsvpcConfiguration } }),
  });
}

import { CfnParameter, Fn } from 'aws-cdk-lib';
import { CfnAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { CfnCapacityProvider } from 'aws-cdk-lib/aws-ecs';
import { CfnInstanceProfile } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { limits } from '#core/limits.ts';
import { cloudLimits } from '../cloud-limits.ts';
import { workerUid } from '../worker.ts';
import { acknowledge } from './acknowledge.ts';
import type { CapacityProps } from './capacity.ts';
import { createInstanceRole } from './instance-role.ts';
import { hostCache } from './worker-task.ts';

/** One capacity provider with an Auto Scaling group of GPU instances from zero; ECS alone moves the group, by the tasks it has to place. */
export function createAsgCapacity(scope: Construct, id: string, props: CapacityProps): CfnCapacityProvider {
  const { fleet, network, market, maxTasks } = props;
  const template = createLaunchTemplate(scope, `${id}Template`, props);
  const group = new CfnAutoScalingGroup(scope, `${id}Group`, {
    minSize: '0',
    maxSize: String(maxTasks),
    vpcZoneIdentifier: network.subnetIds,
    // ECS takes the protection away from instances that have no task any more.
    newInstancesProtectedFromScaleIn: true,
    capacityRebalance: market === 'spot',
    mixedInstancesPolicy: {
      launchTemplate: {
        launchTemplateSpecification: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
        overrides: fleet.instanceTypes.map(instanceType => ({ instanceType })),
      },
      instancesDistribution:
        market === 'spot'
          ? {
              onDemandBaseCapacity: 0,
              onDemandPercentageAboveBaseCapacity: 0,
              spotAllocationStrategy: 'price-capacity-optimized',
            }
          : { onDemandPercentageAboveBaseCapacity: 100, onDemandAllocationStrategy: 'prioritized' },
    },
    tags: [
      { key: 'Name', value: `${props.clusterName}-${market}`, propagateAtLaunch: true },
      // ECS finds the groups that it manages by this tag.
      { key: 'AmazonECSManaged', value: '', propagateAtLaunch: true },
    ],
  });
  acknowledge(group, {
    EC26: 'The rule cannot read a launch template; its one volume is encrypted, and a test holds it to that.',
    AS3: 'The autoscaler says why the fleet moves; the dead-man alarm says when it should and does not.',
  });
  return new CfnCapacityProvider(scope, `${id}Provider`, {
    autoScalingGroupProvider: {
      autoScalingGroupArn: group.ref,
      managedDraining: 'ENABLED',
      managedTerminationProtection: 'ENABLED',
      managedScaling: {
        status: 'ENABLED',
        targetCapacity: 100,
        minimumScalingStepSize: 1,
        maximumScalingStepSize: Math.max(1, maxTasks),
        instanceWarmupPeriod: Math.round(fleet.coldStartSeconds.mean),
      },
    },
  });
}

function createLaunchTemplate(scope: Construct, id: string, props: CapacityProps): CfnLaunchTemplate {
  const { fleet, network } = props;
  const profile = new CfnInstanceProfile(scope, `${id}Profile`, {
    roles: [createInstanceRole(scope, id, props).roleName],
  });
  return new CfnLaunchTemplate(scope, id, {
    launchTemplateData: {
      imageId: amiOf(scope, id, fleet.amiParameter),
      instanceType: fleet.instanceTypes[0]!,
      iamInstanceProfile: { arn: profile.attrArn },
      metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: hopsOf(props), httpEndpoint: 'enabled' },
      networkInterfaces: [
        { deviceIndex: 0, associatePublicIpAddress: true, groups: [network.securityGroup.securityGroupId] },
      ],
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: {
            encrypted: true,
            deleteOnTermination: true,
            volumeType: 'gp3',
            volumeSize: fleet.diskGiB,
            throughput: cloudLimits.diskMiBPerSecond,
          },
        },
      ],
      monitoring: { enabled: false },
      // EC2 refuses a template whose user data is not in base64.
      userData: Fn.base64(firstBoot(props)),
    },
  });
}

/**
 * How far the metadata of an instance goes. Containers are one hop further than one, so that the instance's rights stay with the instance;
 * on Spot they must see the notice themselves, for ECS may leave a protected task alone when its instance drains. A network of the host's own
 * would bring the metadata as well, and with it the agent's ports. What the second hop opens beside the notice are the agent's rights, on this
 * cluster and nothing else (instance-role.ts); the worker's own SDK is told to ask for none of them.
 */
function hopsOf({ market }: CapacityProps): number {
  return market === 'spot' ? 2 : 1;
}

/** What is done at the first boot, before ECS's agent starts: the agent is told its settings, and the worker's user gets its folder. */
function firstBoot({ clusterName, market }: CapacityProps): string {
  const settings = {
    ECS_CLUSTER: clusterName,
    ECS_ENABLE_GPU_SUPPORT: 'true',
    ECS_ENABLE_SPOT_INSTANCE_DRAINING: String(market === 'spot'),
    ECS_CONTAINER_STOP_TIMEOUT: `${limits.stopTimeoutSeconds}s`,
    // An AMI with the image on it starts in seconds; the digest says that it is the same one.
    ECS_IMAGE_PULL_BEHAVIOR: 'prefer-cached',
    ECS_ENABLE_TASK_IAM_ROLE: 'true',
    // Logs are written with the execution role's rights, so that instances need none.
    ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE: 'true',
    ECS_AWSVPC_BLOCK_IMDS: 'true',
  };
  const lines = Object.entries(settings).map(([name, value]) => `echo ${name}=${value} >> /etc/ecs/ecs.config`);
  return ['#!/bin/bash', ...lines, `install -d -m 0750 -o ${workerUid} -g ${workerUid} ${hostCache}`].join('\n');
}

/** The AMI that the SSM parameter names when the stack is deployed. */
function amiOf(scope: Construct, id: string, path: string): string {
  const type = 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>';
  return new CfnParameter(scope, `${id}Ami`, { type, default: path, description: 'Where the GPU AMI is named' })
    .valueAsString;
}

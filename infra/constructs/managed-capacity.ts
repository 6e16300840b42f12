import { Stack } from 'aws-cdk-lib';
import { CfnCapacityProvider } from 'aws-cdk-lib/aws-ecs';
import { CfnInstanceProfile, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { cloudLimits } from '../cloud-limits.ts';
import { acknowledge } from './acknowledge.ts';
import type { CapacityProps } from './capacity.ts';
import { createInstanceRole } from './instance-role.ts';

/** One capacity provider of machines that AWS itself brings, patches and takes away. */
export function createManagedCapacity(scope: Construct, id: string, props: CapacityProps): CfnCapacityProvider {
  const { fleet, network, market } = props;
  const managed = (name: string) => ManagedPolicy.fromAwsManagedPolicyName(name);
  const infrastructure = new Role(scope, `${id}Infrastructure`, {
    assumedBy: new ServicePrincipal('ecs.amazonaws.com'),
    managedPolicies: [managed('AmazonECSInfrastructureRolePolicyForManagedInstances')],
  });
  acknowledge(infrastructure, {
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances]':
      'What AWS needs to bring its own machines is for AWS to say.',
  });
  // That policy lets ECS hand over roles of such names only.
  const name = `ecsInstanceRole-${Stack.of(scope).stackName}-${id}`;
  const instance = createInstanceRole(scope, `${id}Instance`, props, name);
  const profile = new CfnInstanceProfile(scope, `${id}Profile`, {
    instanceProfileName: name,
    roles: [instance.roleName],
  });
  return new CfnCapacityProvider(scope, `${id}Provider`, {
    clusterName: props.clusterName,
    managedInstancesProvider: {
      infrastructureRoleArn: infrastructure.roleArn,
      infrastructureOptimization: { scaleInAfter: cloudLimits.idleInstanceSeconds },
      instanceLaunchTemplate: {
        capacityOptionType: market === 'spot' ? 'SPOT' : 'ON_DEMAND',
        ec2InstanceProfileArn: profile.attrArn,
        networkConfiguration: { subnets: network.subnetIds, securityGroups: [network.securityGroup.securityGroupId] },
        storageConfiguration: { storageSizeGiB: fleet.diskGiB },
        instanceRequirements: {
          allowedInstanceTypes: [...fleet.instanceTypes],
          vCpuCount: { min: fleet.taskVcpu },
          memoryMiB: { min: fleet.taskMemoryGiB * 1_024 },
          acceleratorTypes: ['gpu'],
          acceleratorManufacturers: ['nvidia'],
          acceleratorCount: { min: 1 },
        },
      },
    },
  });
}

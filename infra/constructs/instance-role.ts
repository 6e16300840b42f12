import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { CapacityProps } from './capacity.ts';

/** The agent's rights, on its own cluster; the call that tells it where to poll knows no resource. */
export function createInstanceRole(
  scope: Construct,
  id: string,
  { clusterArn, clusterName }: CapacityProps,
  roleName?: string,
): Role {
  const assumedBy = new ServicePrincipal('ec2.amazonaws.com');
  const role = new Role(scope, `${id}Role`, { assumedBy, ...(roleName === undefined ? {} : { roleName }) });
  const allow = (actions: readonly string[], resource: string) =>
    role.addToPolicy(new PolicyStatement({ actions: actions.map(name => `ecs:${name}`), resources: [resource] }));
  allow(
    [
      'RegisterContainerInstance',
      'DeregisterContainerInstance',
      'SubmitContainerStateChange',
      'SubmitTaskStateChange',
      'SubmitAttachmentStateChanges',
    ],
    clusterArn,
  );
  const resourceName = `${clusterName}/*`;
  const instances = Stack.of(scope).formatArn({ service: 'ecs', resource: 'container-instance', resourceName });
  allow(['Poll', 'StartTelemetrySession', 'PutSystemLogEvents', 'UpdateContainerInstancesState'], instances);
  allow(['DiscoverPollEndpoint'], '*');
  acknowledge(role, {
    'IAM5[Resource::*]': 'ecs:DiscoverPollEndpoint knows no resource; it tells an address and nothing else.',
  });
  return role;
}

import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  Compatibility,
  ContainerImage,
  type HealthCheck,
  LogDrivers,
  NetworkMode,
  type Secret,
  TaskDefinition,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { limits } from '#core/limits.ts';
import { cloudLimits } from '../cloud-limits.ts';
import type { FleetSettings } from '../settings-types.ts';
import { healthCheck, writableFolders } from '../worker.ts';
import { acknowledge } from './acknowledge.ts';

/** What a worker's task is made with. */
export interface WorkerTaskProps {
  readonly fleet: FleetSettings;
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, Secret>>;
  readonly taskRole: Role;
  readonly executionRole: Role;
  readonly log: LogGroup;
  readonly pool: string;
}

/**
 * Where bundles are kept on an instance of ours: a task that replaces another one there, and one beside it, finds them. Made at the first
 * boot (asg-capacity.ts); of managed instances we boot nothing, so a task's folder ends with it.
 */
export const hostCache = '/var/lib/reelay/cache';

/** One GPU, one container, nothing writable but its volumes. */
export function createWorkerTask(scope: Construct, id: string, props: WorkerTaskProps): TaskDefinition {
  const { fleet, taskRole, executionRole } = props;
  const isAsg = fleet.mode === 'asg';
  const task = new TaskDefinition(scope, id, {
    compatibility: isAsg ? Compatibility.EC2 : Compatibility.MANAGED_INSTANCES,
    // On-demand, a bridge is the hop that keeps a container from the rights of its instance (asg-capacity.ts); managed instances give each task an interface of its own.
    networkMode: isAsg ? NetworkMode.BRIDGE : NetworkMode.AWS_VPC,
    cpu: String(fleet.taskVcpu * 1_024),
    memoryMiB: String(fleet.taskMemoryGiB * 1_024),
    taskRole,
    executionRole,
    volumes: Object.keys(writableFolders).map(name => ({
      name,
      host: isAsg && name === 'cache' ? { sourcePath: hostCache } : {},
    })),
  });
  const container = task.addContainer('worker', {
    image: ContainerImage.fromRegistry(props.image),
    gpuCount: 1,
    readonlyRootFilesystem: true,
    privileged: false,
    stopTimeout: Duration.seconds(limits.stopTimeoutSeconds),
    environment: { ...props.environment, ...(isAsg ? { REELAY_CACHE_BYTES: cacheBytesOf(fleet) } : {}) },
    secrets: { ...props.secrets },
    healthCheck: containerHealth(),
    logging: LogDrivers.awsLogs({ streamPrefix: props.pool, logGroup: props.log }),
  });
  for (const [sourceVolume, containerPath] of Object.entries(writableFolders))
    container.addMountPoints({ sourceVolume, containerPath, readOnly: false });
  acknowledge(task, {
    ECS2: 'What stands there are names of resources and numbers; what is secret comes from Secrets Manager.',
  });
  return task;
}

/** The cache outlives tasks, so nothing but its quota empties it. */
function cacheBytesOf({ diskGiB }: FleetSettings): string {
  return String(Math.floor(diskGiB * cloudLimits.cacheShareOfDisk) * 1_073_741_824);
}

/** The health check as CDK writes one. */
export function containerHealth(): HealthCheck {
  const { command, intervalSeconds, timeoutSeconds, startSeconds, retries } = healthCheck;
  return {
    command: [...command],
    interval: Duration.seconds(intervalSeconds),
    timeout: Duration.seconds(timeoutSeconds),
    startPeriod: Duration.seconds(startSeconds),
    retries,
  };
}

/** The group that the workers' lines go to: ids, codes and times, never a prompt. */
export function createWorkerLog(scope: Construct, id: string, logDays: number): LogGroup {
  return new LogGroup(scope, id, { retention: logDays as RetentionDays, removalPolicy: RemovalPolicy.DESTROY });
}

/** What ECS may do to start a worker: pull the image of one repository, write one log group; secrets are granted where they are named. */
export function createExecutionRole(scope: Construct, id: string, repository: string, log: LogGroup): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  const images = Stack.of(scope).formatArn({ service: 'ecr', resource: 'repository', resourceName: repository });
  role.addToPolicy(
    new PolicyStatement({
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
      resources: [images],
    }),
  );
  role.addToPolicy(new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }));
  log.grantWrite(role);
  acknowledge(role, {
    'IAM5[Resource::*]': 'ecr:GetAuthorizationToken knows no resource; what it lets in is said by the other rights.',
  });
  return role;
}

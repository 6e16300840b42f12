import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  CfnCluster,
  CfnService,
  ContainerImage,
  ExternalTaskDefinition,
  LogDrivers,
  NetworkMode,
} from 'aws-cdk-lib/aws-ecs';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { limits } from '#core/limits.ts';
import type { ModelCatalog } from '#core/models.ts';
import { mayServe } from '#core/policy/residency.ts';
import type { OnPremPool, Settings } from '../settings-types.ts';
import type { CoreStack } from '../stacks/core.ts';
import { workerEnvironment, writableFolders } from '../worker.ts';
import { acknowledge } from './acknowledge.ts';
import { enclavesJson } from './enclave.ts';
import type { WorkerImage } from './worker-image.ts';
import { containerHealth, createExecutionRole, createWorkerLog } from './worker-task.ts';

/** Whose nodes, and what their workers may do. */
export interface AnywhereNodesProps {
  readonly pool: OnPremPool;
  readonly policy: ManagedPolicy;
  readonly core: CoreStack;
  readonly cards: ModelCatalog;
  readonly settings: Settings;
  readonly image: WorkerImage;
}

/**
 * A pool on the premises as ECS Anywhere nodes: one worker on each machine that registers with the cluster (its agent started with
 * --enable-gpu). ECS scales nothing here: as many workers run as machines are registered.
 */
export class AnywhereNodes extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { pool: { pool, region }, policy, core, cards, settings, image }: AnywhereNodesProps,
  ) {
    super(scope, id);
    // Without a network of its own: its machines stand elsewhere.
    const cluster = new CfnCluster(this, 'Cluster', {
      clusterName: `reelay-${settings.stage}-${pool}`,
      clusterSettings: [{ name: 'containerInsights', value: 'disabled' }],
    });
    acknowledge(cluster, {
      ECS4: "It is paid for by the metric; what matters is in the records and in Reelay's own metric.",
    });
    const log = createWorkerLog(this, 'Log', settings.logDays);
    const task = new ExternalTaskDefinition(this, 'Task', {
      networkMode: NetworkMode.BRIDGE,
      taskRole: new Role(this, 'WorkerRole', {
        assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
        managedPolicies: [policy],
      }),
      executionRole: createExecutionRole(this, 'ExecutionRole', image.repository, log),
      volumes: [
        { name: 'tmp', host: {} },
        // Bundles outlive a worker; the key that this site's receipts are signed with never leaves it.
        { name: 'cache', host: { sourcePath: '/var/lib/reelay/cache' } },
        { name: 'keys', host: { sourcePath: '/etc/reelay' } },
      ],
    });
    const place = { site: 'onprem', region } as const;
    const enclaves = core.enclaves.filter(one => mayServe(settings.residency, one.residency, place));
    const container = task.addContainer('worker', {
      image: ContainerImage.fromRegistry(image.uri),
      gpuCount: 1,
      memoryReservationMiB: 4_096,
      readonlyRootFilesystem: true,
      stopTimeout: Duration.seconds(limits.stopTimeoutSeconds),
      environment: {
        ...workerEnvironment(core.variables, cards, core.policies),
        REELAY_ENCLAVES: enclavesJson(this, enclaves),
        REELAY_POOL: pool,
        REELAY_SITE: 'onprem',
        REELAY_REGION: region,
        // Where the resources are; older agents of ECS do not say it.
        AWS_REGION: Stack.of(this).region,
        REELAY_RECEIPT_KEY: '/etc/reelay/receipt-key.pem',
        REELAY_MASTER_KEY: '/etc/reelay/master-key',
        REELAY_WATERMARK_KEY: '/etc/reelay/watermark-key.hex',
        REELAY_C2PA_CERTIFICATES: '/etc/reelay/c2pa-certificates.pem',
        REELAY_C2PA_KEY: '/etc/reelay/c2pa-key.pem',
      },
      healthCheck: containerHealth(),
      logging: LogDrivers.awsLogs({ streamPrefix: pool, logGroup: log }),
    });
    for (const [sourceVolume, containerPath] of Object.entries(writableFolders))
      container.addMountPoints({ sourceVolume, containerPath, readOnly: false });
    container.addMountPoints({ sourceVolume: 'keys', containerPath: '/etc/reelay', readOnly: true });
    acknowledge(task, { ECS2: 'What stands there are names of resources and numbers.' });
    new CfnService(this, 'Service', {
      cluster: cluster.attrArn,
      taskDefinition: task.taskDefinitionArn,
      launchType: 'EXTERNAL',
      schedulingStrategy: 'DAEMON',
      deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
      propagateTags: 'SERVICE',
      enableEcsManagedTags: true,
    });
    this.createNodeRole(pool);
  }

  /** What a registering machine is, for `aws ssm create-activation --iam-role`. */
  private createNodeRole(pool: string): void {
    const names = ['AmazonSSMManagedInstanceCore', 'service-role/AmazonEC2ContainerServiceforEC2Role'];
    const role = new Role(this, 'NodeRole', {
      assumedBy: new ServicePrincipal('ssm.amazonaws.com'),
      managedPolicies: names.map(name => ManagedPolicy.fromAwsManagedPolicyName(name)),
    });
    for (const name of names)
      acknowledge(role, {
        [`IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${name}]`]:
          'What the agents on a registered machine need is for AWS to say.',
      });
    new CfnOutput(this, 'NodeRoleName', { value: role.roleName, description: `For the machines of ${pool}` });
  }
}

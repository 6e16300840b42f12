import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  CfnClusterCapacityProviderAssociations,
  Cluster,
  ContainerInsights,
  Secret as EcsSecret,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { ModelCatalog } from '#core/models.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { metricDimension, metricNamespace } from '#core/placement/fleet-watch.ts';
import { mayServe } from '#core/policy/residency.ts';
import { cloudLimits } from '../cloud-limits.ts';
import { acknowledge } from '../constructs/acknowledge.ts';
import { alarmOnErrors, alarmOnLetters, createAlarm } from '../constructs/alarms.ts';
import { Autoscaler } from '../constructs/autoscaler.ts';
import { createBudget } from '../constructs/budget.ts';
import { createCapacity } from '../constructs/capacity.ts';
import type { Enclave } from '../constructs/enclave.ts';
import { enclavesJson } from '../constructs/enclave.ts';
import { GpuNetwork } from '../constructs/gpu-network.ts';
import { giveGrants } from '../constructs/grants.ts';
import { holdToRegion } from '../constructs/region-rule.ts';
import { workerImageOf } from '../constructs/worker-image.ts';
import { createWorkerSecrets } from '../constructs/worker-secrets.ts';
import { createWorkerService } from '../constructs/worker-service.ts';
import { createExecutionRole, createWorkerLog, createWorkerTask } from '../constructs/worker-task.ts';
import { fleetVariable, type ScaledService } from '../fleet-variable.ts';
import { cloudPools } from '../settings-checks.ts';
import type { FleetSettings, Settings } from '../settings-types.ts';
import { bundleGrants, workerEnvironment, workerGrants } from '../worker.ts';
import type { CoreStack } from './core.ts';

/** What the GPU stack is made of. */
export interface GpuStackProps extends StackProps {
  readonly settings: Settings;
  readonly fleet: FleetSettings;
  readonly cards: ModelCatalog;
  readonly core: CoreStack;
}

/** GPUs from none: network, cluster, one service for each market, and the one controller that moves them. May be replaced at any time. */
export class GpuStack extends Stack {
  readonly cluster: Cluster;
  readonly taskRole: Role;
  readonly services: readonly ScaledService[];
  readonly autoscaler: Autoscaler;
  /** The enclaves whose class may be processed here. */
  readonly enclaves: readonly Enclave[];

  constructor(scope: Construct, id: string, { settings, fleet, cards, core, ...props }: GpuStackProps) {
    super(scope, id, props);
    const place = { site: 'cloud', region: settings.region } as const;
    holdToRegion(this, settings.region);
    this.enclaves = core.enclaves.filter(one => mayServe(settings.residency, one.residency, place));
    const tasksHaveOwnAddresses = fleet.mode === 'managed-instances';
    const network = new GpuNetwork(this, 'Network', { tasksHaveOwnAddresses, zones: fleet.zones });
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: network.vpc as IVpc,
      clusterName: `reelay-${settings.stage}`,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    acknowledge(this.cluster, {
      ECS4: "It is paid for by the metric; what matters is in the records and in Reelay's own metric.",
    });
    this.taskRole = this.createTaskRole(core, settings.c2paKmsKey);
    this.services = this.createServices({ settings, fleet, cards, core }, network);
    this.autoscaler = new Autoscaler(this, 'Autoscaler', {
      core,
      clusterName: this.cluster.clusterName,
      services: this.services.map(({ service }) => service),
      environment: {
        REELAY_FLEET: fleetVariable(this, settings, fleet, this.cluster.clusterName, this.services, cards),
        REELAY_WAIT_TARGETS: JSON.stringify(settings.waitTargetSeconds),
      },
      enclaves: this.enclaves,
      logDays: settings.logDays,
      reservedConcurrency: fleet.autoscalerConcurrency,
    });
    this.createAlarms(core);
    if (settings.monthlyBudgetUsd !== null)
      createBudget(this, settings.monthlyBudgetUsd, settings.alarmEmail, core.alarmTopic.topicArn);
  }

  /** The cloud worker's rights: nothing of an enclave whose class does not allow this place. */
  private createTaskRole({ eventBus, auditBucket, standard }: CoreStack, c2paKmsKey: string | null): Role {
    const role = new Role(this, 'WorkerRole', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    const add = (statement: PolicyStatement) => role.addToPolicy(statement);
    giveGrants(add, workerGrants, { enclaves: this.enclaves, eventBus, auditBucket });
    giveGrants(add, bundleGrants, { enclaves: [standard] });
    if (c2paKmsKey !== null) add(new PolicyStatement({ actions: ['kms:Sign'], resources: [c2paKmsKey] }));
    const resourceName = `${this.cluster.clusterName}/*`;
    role.addToPolicy(
      new PolicyStatement({
        actions: ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'],
        resources: [this.formatArn({ service: 'ecs', resource: 'task', resourceName })],
      }),
    );
    return role;
  }

  private createServices(
    { settings, fleet, cards, core }: Pick<GpuStackProps, 'settings' | 'fleet' | 'cards' | 'core'>,
    network: GpuNetwork,
  ): readonly ScaledService[] {
    const image = workerImageOf(this, fleet.workerImage);
    const REELAY_MASTER_KEY = EcsSecret.fromSecretsManager(core.masterKey as ISecret);
    const secrets = { ...createWorkerSecrets(this, settings.c2paKmsKey), REELAY_MASTER_KEY };
    const log = createWorkerLog(this, 'WorkerLog', settings.logDays);
    const executionRole = createExecutionRole(this, 'ExecutionRole', image.repository, log);
    const made = cloudPools(fleet).map(pool => {
      const market = pool === 'cloud-spot' ? ('spot' as const) : ('ondemand' as const);
      const name = market === 'spot' ? 'Spot' : 'OnDemand';
      const maxTasks = market === 'spot' ? fleet.maxSpotTasks : fleet.maxOnDemandTasks;
      const { clusterName, clusterArn } = this.cluster;
      const capacity = createCapacity(this, name, { fleet, network, clusterName, clusterArn, market, maxTasks });
      const task = createWorkerTask(this, `${name}Task`, {
        fleet,
        image: image.uri,
        environment: {
          ...this.workerEnvironment(core, pool, cards),
          ...(settings.c2paKmsKey !== null && { REELAY_C2PA_KMS_KEY: settings.c2paKmsKey }),
        },
        secrets,
        taskRole: this.taskRole,
        executionRole,
        log,
        pool,
      });
      return { pool, market, maxTasks, capacity, task };
    });
    const { clusterArn } = this.cluster;
    const services = made.map(({ market, capacity, task, ...pool }) => {
      const id = market === 'spot' ? 'SpotService' : 'OnDemandService';
      const service = createWorkerService(this, id, { fleet, network, clusterArn, capacity, task });
      // The last rights go after the last task.
      service.node.addDependency(this.taskRole);
      return { ...pool, market, service };
    });
    // Managed instances belong to one cluster by themselves.
    if (fleet.mode === 'asg') {
      const association = new CfnClusterCapacityProviderAssociations(this, 'Capacity', {
        cluster: this.cluster.clusterName,
        capacityProviders: made.map(({ capacity }) => capacity.ref),
        // A task that names no provider has nowhere to go.
        defaultCapacityProviderStrategy: [],
      });
      for (const { service } of services) service.addResourceDependency(association);
    }
    return services;
  }

  private workerEnvironment(core: CoreStack, pool: string, cards: ModelCatalog): Record<string, string> {
    return {
      ...workerEnvironment(core.variables, cards, core.policies),
      REELAY_ENCLAVES: enclavesJson(this, this.enclaves),
      REELAY_POOL: pool,
      REELAY_SITE: 'cloud',
      REELAY_REGION: this.region,
      AWS_REGION: this.region,
      // A protected task may hear of the end of a Spot instance only by looking; its credentials never come from there, but from ECS.
      REELAY_SPOT: pool === 'cloud-spot' ? '1' : '0',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  private createAlarms({ alarmTopic, standard }: CoreStack): void {
    createAlarm(this, 'Stuck', alarmTopic, {
      metric: new Metric({
        namespace: metricNamespace,
        metricName: 'StuckSeconds',
        dimensionsMap: { [metricDimension]: standard.table.tableName },
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      threshold: fleetLimits.stuckSeconds,
      periods: cloudLimits.deadManMinutes,
      // An autoscaler that says nothing is dead.
      missing: TreatMissingData.BREACHING,
      description: 'Work waits and nothing runs, or the autoscaler is dead: nobody starts GPUs.',
    });
    alarmOnErrors(this, 'AutoscalerErrors', alarmTopic, this.autoscaler.handler, 'The autoscaler');
    alarmOnLetters(
      this,
      'AutoscalerLetters',
      alarmTopic,
      this.autoscaler.deadLetterQueue,
      'The autoscaler gave news up',
    );
    new CfnOutput(this, 'ClusterName', { value: this.cluster.clusterName });
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { bundleSettingsFrom } from '#gpu-container/bundle-settings.ts';
import { cloudLimits } from '#infra/cloud-limits.ts';
import { CHECKOUT } from '#infra/model-cards.ts';
import { defaultFleet } from '#infra/settings-defaults.ts';
import { type Found, type Resource, SYNTH_MS, synthesize } from './templates.ts';
import { evaluate } from './values.ts';

const KMS_KEY = 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-0000-4000-8000-000000000000';

describe.each(['asg', 'managed-instances'] as const)('a fleet in mode %s', mode => {
  let built: ReturnType<typeof synthesize>;
  let gpu: Found;
  beforeAll(() => {
    // The rules are asked of the default mode in synth.test.ts.
    const c2paKmsKey = mode === 'asg' ? null : KMS_KEY;
    built = synthesize({ settings: { '*': { fleet: { mode }, c2paKmsKey } }, checks: mode !== 'asg' });
    gpu = built.read('ReelayGpu');
  }, SYNTH_MS);
  afterAll(() => built.clean());
  const service = (name: string) => gpu.named('AWS::ECS::Service', name)[0]!.Properties;
  const provider = (name: string) => gpu.named('AWS::ECS::CapacityProvider', `${name}Provider`)[0]!.Properties;

  test('signs manifests with a private key in a secret, or with the KMS key that is named, and then has no secret for it', () => {
    const text = JSON.stringify(gpu.all);
    expect(gpu.named('AWS::SecretsManager::Secret', 'C2paKey')).toHaveLength(mode === 'asg' ? 1 : 0);
    expect(text.includes('"kms:Sign"')).toBe(mode !== 'asg');
    expect(text.includes(KMS_KEY)).toBe(mode !== 'asg');
    expect(text.includes('REELAY_C2PA_KMS_KEY')).toBe(mode !== 'asg');
  });

  test.each(['Spot', 'OnDemand'])('the %s service starts from zero, on one capacity provider', name => {
    const { DesiredCount, CapacityProviderStrategy, DeploymentConfiguration, ...rest } = service(`${name}Service`);
    expect(DesiredCount).toBe(0);
    expect(CapacityProviderStrategy).toHaveLength(1);
    expect(JSON.stringify(CapacityProviderStrategy)).toContain(`${name}Provider`);
    expect(DeploymentConfiguration).toEqual({ MaximumPercent: 100, MinimumHealthyPercent: 0 });
    expect(rest.LaunchType).toBeUndefined();
    const associations = gpu.of('AWS::ECS::ClusterCapacityProviderAssociations');
    // Managed instances name their cluster themselves, and a provider of a cluster may not be associated with it.
    expect(associations).toHaveLength(mode === 'asg' ? 1 : 0);
    const made = Object.values(gpu.all).find(one => one.Properties === service(`${name}Service`)) as any;
    for (const [association] of associations) expect(made.DependsOn).toContain(association);
    expect(provider(name).ClusterName).toEqual(mode === 'asg' ? undefined : expect.anything());
  });

  test.each([
    ['Spot', 'cloud-spot'],
    ['OnDemand', 'cloud-ondemand'],
  ])('a %s task is one GPU, drains in time, writes to its volumes only, and says where it stands', (name, pool) => {
    const { Properties: task } = gpu.named('AWS::ECS::TaskDefinition', `${name}Task`)[0]!;
    const [container] = task.ContainerDefinitions;
    expect(container).toMatchObject({
      ResourceRequirements: [{ Type: 'GPU', Value: '1' }],
      StopTimeout: limits.stopTimeoutSeconds,
      ReadonlyRootFilesystem: true,
      Image: { Ref: 'WorkerImage' },
    });
    expect(container.Privileged).toBe(false);
    const mounts = container.MountPoints.map((one: any) => [one.SourceVolume, one.ReadOnly]);
    expect(mounts).toEqual(task.Volumes.map((one: any) => [one.Name, false]));
    expect(task.NetworkMode).toBe(mode === 'asg' ? 'bridge' : 'awsvpc');
    expect(task.RequiresCompatibilities).toEqual([mode === 'asg' ? 'EC2' : 'MANAGED_INSTANCES']);
    const told = Object.fromEntries(container.Environment.map((one: any) => [one.Name, evaluate(one.Value)]));
    expect(told).toMatchObject({
      REELAY_POOL: pool,
      REELAY_SITE: 'cloud',
      REELAY_REGION: 'here',
      REELAY_PROVIDER: 'cuda',
      REELAY_ENCLAVES: '{}',
      // ECS may leave a protected task alone when its instance drains: the worker itself looks for the notice.
      REELAY_SPOT: name === 'Spot' ? '1' : '0',
      // And the SDK takes no rights from where the notice is.
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    expect(told.REELAY_BUNDLE_DIGESTS).toMatch(/^reelay-mini=[0-9a-f]{64}:[0-9a-f]{64}$/);
    const folders = container.MountPoints.map((one: any) => one.ContainerPath);
    const dockerfile = readFileSync(join(CHECKOUT, 'gpu-container', 'Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`VOLUME ${JSON.stringify(folders).replace(',', ', ')}`);
    expect(dockerfile).toContain(`CMD ${JSON.stringify(container.HealthCheck.Command.slice(1)).replace(',', ', ')}`);
    for (const name of ['REELAY_CACHE', 'REELAY_SCRATCH', 'REELAY_HEALTH_FILE'])
      expect(folders.some((folder: string) => `${told[name]}/`.startsWith(`${folder}/`))).toBe(true);
    expect(container.Secrets.map((one: any) => one.Name)).toEqual([
      'REELAY_RECEIPT_KEY',
      'REELAY_WATERMARK_KEY',
      'REELAY_C2PA_CERTIFICATES',
      ...(mode === 'asg' ? ['REELAY_C2PA_KEY'] : []),
      'REELAY_MASTER_KEY',
    ]);
    expect(container.LogConfiguration.LogDriver).toBe('awslogs');
  });

  test.each(['Spot', 'OnDemand'])('a %s task keeps its bundles where the task after it finds them', name => {
    const { Properties: task } = gpu.named('AWS::ECS::TaskDefinition', `${name}Task`)[0]!;
    const paths = Object.fromEntries(task.Volumes.map((one: any) => [one.Name, one.Host?.SourcePath]));
    const told = Object.fromEntries(task.ContainerDefinitions[0].Environment.map((one: any) => [one.Name, one.Value]));
    // Managed instances have no first boot of ours that could give a folder to the image's user.
    if (mode !== 'asg') return expect([paths, told.REELAY_CACHE_BYTES]).toEqual([{}, undefined]);
    expect(paths).toEqual({ tmp: undefined, cache: expect.stringMatching(/^\/var\/lib\//) });
    const dockerfile = readFileSync(join(CHECKOUT, 'gpu-container', 'Dockerfile'), 'utf8');
    const [, user] = /^USER (\d+):\1$/m.exec(dockerfile)!;
    const { LaunchTemplateData: launch } = gpu.named('AWS::EC2::LaunchTemplate', name)[0]!.Properties;
    const first = String(evaluate(launch.UserData['Fn::Base64']));
    expect(first).toContain(`install -d -m 0750 -o ${user} -g ${user} ${paths.cache}\n`.trimEnd());
    const { cacheBytes } = bundleSettingsFrom({ REELAY_CACHE_BYTES: told.REELAY_CACHE_BYTES });
    // What nobody empties must leave room for the image, the system and an attempt.
    expect(cacheBytes! / 2 ** 30).toBeLessThanOrEqual(defaultFleet.diskGiB / 2);
    expect(cacheBytes! / 2 ** 30).toBeGreaterThan(20);
  });

  test('the image comes by its digest or not at all', () => {
    const { WorkerImage } = gpu.template.Parameters;
    expect(WorkerImage.Default).toBeUndefined();
    const allowed = new RegExp(WorkerImage.AllowedPattern);
    expect(allowed.test(`registry/worker@sha256:${'a'.repeat(64)}`)).toBe(true);
    for (const no of ['registry/worker', 'registry/worker:latest', 'worker@sha256:abc'])
      expect(allowed.test(no)).toBe(false);
  });

  test('nothing reaches an instance, and bytes go to S3 and DynamoDB without a charge by the byte', () => {
    for (const [, { Properties }] of gpu.of('AWS::EC2::SecurityGroup'))
      expect(Properties.SecurityGroupIngress).toBeUndefined();
    expect(gpu.of('AWS::EC2::SecurityGroupIngress')).toEqual([]);
    const endpoints = gpu.of('AWS::EC2::VPCEndpoint').map(([, { Properties }]) => Properties);
    expect(endpoints.map(one => one.VpcEndpointType)).toEqual(['Gateway', 'Gateway']);
    expect(JSON.stringify(endpoints.map(one => evaluate(one.ServiceName)))).toMatch(/s3.*dynamodb|dynamodb.*s3/);
    // What costs by the hour although nothing runs is only there where tasks have no other way out.
    expect(gpu.of('AWS::EC2::NatGateway')).toHaveLength(mode === 'asg' ? 0 : 1);
  });

  test('machines are GPU machines of the settings, from zero, and gone when idle', () => {
    for (const [name, most] of [
      ['Spot', defaultFleet.maxSpotTasks],
      ['OnDemand', defaultFleet.maxOnDemandTasks],
    ] as const)
      if (mode === 'asg') checkGroup(name, most);
      else checkManaged(name);
  });

  function checkGroup(name: string, most: number): void {
    const { AutoScalingGroupProvider } = provider(name);
    expect(AutoScalingGroupProvider).toMatchObject({
      ManagedDraining: 'ENABLED',
      ManagedTerminationProtection: 'ENABLED',
      ManagedScaling: { Status: 'ENABLED', TargetCapacity: 100 },
    });
    const { Properties: group } = gpu.named('AWS::AutoScaling::AutoScalingGroup', name)[0] as Resource;
    expect(group).toMatchObject({
      MinSize: '0',
      MaxSize: String(most),
      NewInstancesProtectedFromScaleIn: true,
      CapacityRebalance: name === 'Spot',
    });
    const { InstancesDistribution: mix, LaunchTemplate } = group.MixedInstancesPolicy;
    expect(mix.OnDemandPercentageAboveBaseCapacity).toBe(name === 'Spot' ? 0 : 100);
    expect(LaunchTemplate.Overrides.map((one: any) => one.InstanceType)).toEqual(defaultFleet.instanceTypes);
    const { LaunchTemplateData: launch } = gpu.named('AWS::EC2::LaunchTemplate', name)[0]!.Properties;
    // A container is the second hop, and has no business there but to see the notice.
    const hops = name === 'Spot' ? 2 : 1;
    expect(launch.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: hops });
    expect(launch.BlockDeviceMappings).toHaveLength(1);
    expect(launch.BlockDeviceMappings[0].Ebs).toMatchObject({ Encrypted: true, VolumeSize: defaultFleet.diskGiB });
    const parameter = gpu.template.Parameters[launch.ImageId.Ref];
    expect(parameter).toMatchObject({ Default: defaultFleet.amiParameter });
    expect(parameter.Type).toBe('AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>');
    expect(Object.keys(launch.UserData), 'EC2 takes base64 only').toEqual(['Fn::Base64']);
    const first = String(evaluate(launch.UserData['Fn::Base64']));
    expect(first).toMatch(/^#!\/bin\/bash\n/);
    expect(first).toMatch(/^echo ECS_CLUSTER=<\w+> >> \/etc\/ecs\/ecs.config$/m);
    expect(first).toContain(`ECS_ENABLE_SPOT_INSTANCE_DRAINING=${name === 'Spot'}`);
    expect(first).toContain(`ECS_CONTAINER_STOP_TIMEOUT=${limits.stopTimeoutSeconds}s`);
  }

  function checkManaged(name: string): void {
    const { ManagedInstancesProvider } = provider(name);
    const { InstanceLaunchTemplate: launch, InfrastructureOptimization } = ManagedInstancesProvider;
    expect(InfrastructureOptimization).toEqual({ ScaleInAfter: cloudLimits.idleInstanceSeconds });
    expect(launch.CapacityOptionType).toBe(name === 'Spot' ? 'SPOT' : 'ON_DEMAND');
    expect(launch.InstanceRequirements).toMatchObject({
      AllowedInstanceTypes: defaultFleet.instanceTypes,
      AcceleratorTypes: ['gpu'],
      AcceleratorManufacturers: ['nvidia'],
    });
    const [profile] = gpu.named('AWS::IAM::InstanceProfile', name);
    // AWS's own policy lets ECS hand over roles of no other name.
    expect(profile!.Properties.InstanceProfileName).toMatch(/^ecsInstanceRole-reelay-dev-gpu-\w+$/);
    expect(service(`${name}Service`).NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe('DISABLED');
  }
});

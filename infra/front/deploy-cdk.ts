/// <reference path="../../.sst/platform/config.d.ts" />
import { ASSETS_BUCKET, type FileAsset, readCloudAssembly, type StackPlan } from './cloud-assembly.ts';
import { liveFunctions } from './live-functions.ts';
import { parametersFrom } from './parameters.ts';
import { synthesize } from './synthesize.ts';

/** What the front takes from outside. */
export interface DeployOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A stack that CloudFormation makes or has made. */
interface Deployed {
  readonly plan: StackPlan;
  readonly stack: aws.cloudformation.Stack;
}

/**
 * Synthesizes the CDK app, uploads its assets and deploys each template; in `sst dev` the functions run on this machine beside them.
 * Gives every output of the stacks, by name.
 */
export async function deployCdk({ env }: DeployOptions) {
  const outputFolder = `${$cli.paths.work}/cdk.out`;
  synthesize({ root: $cli.paths.root, outputFolder, stage: $app.stage, env });
  const plans = readCloudAssembly(outputFolder);
  const parameters = plans.map(plan => parametersFrom(plan, env)); // all that is missing is told before anything is made
  const bucket = new sst.aws.Bucket('ReelayAssets', {
    cors: false,
    transform: { bucket: { forceDestroy: $app.removal === 'remove' } },
  });
  const objects = new Map<string, aws.s3.BucketObjectv2>();
  const upload = (asset: FileAsset) => {
    const made = objects.get(asset.key) ?? uploadTo(bucket, asset);
    objects.set(asset.key, made);
    return made;
  };
  const deployed = new Map<string, Deployed>();
  plans.forEach((plan, at) => {
    const template = upload(plan.template);
    const before = plan.dependsOn.flatMap(id => deployed.get(id)?.stack ?? []);
    const stack = new aws.cloudformation.Stack(
      plan.id,
      {
        name: plan.stackName,
        templateUrl: $interpolate`https://${bucket.nodes.bucket.bucketRegionalDomainName}/${template.key}`,
        parameters: { ...hidden(plan, parameters[at] ?? {}), [ASSETS_BUCKET]: bucket.name },
        capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
        tags: { 'reelay:stage': $app.stage },
      },
      { dependsOn: [template, ...plan.assets.map(upload), ...before] },
    );
    deployed.set(plan.id, { plan, stack });
  });
  const outputs = outputsOf([...deployed.values()]);
  if ($dev) {
    // No outputs of the stack, on purpose.
    const ReelayApiKeySha256 = $output(env.REELAY_API_KEY_SHA256 ?? '');
    const ReelayMasterKey = $output(env.REELAY_MASTER_KEY ?? '');
    const told = { ...outputs, ReelayApiKeySha256, ReelayMasterKey };
    return { ...outputs, ...liveFunctions(told, `${outputFolder}/bundles`) };
  }
  return outputs;
}

/** One object, kept when the app is removed or moves on: CloudFormation may roll back to what an earlier template names. */
function uploadTo(bucket: sst.aws.Bucket, asset: FileAsset): aws.s3.BucketObjectv2 {
  const zipped = asset.packaging === 'zip' && !asset.path.endsWith('.zip');
  const source = zipped ? new $util.asset.FileArchive(asset.path) : new $util.asset.FileAsset(asset.path);
  const name = `ReelayAsset-${asset.key.replace(/[^A-Za-z0-9]+/g, '-')}`;
  return new aws.s3.BucketObjectv2(name, { bucket: bucket.name, key: asset.key, source }, { retainOnDelete: true });
}

/** What the template keeps to itself is kept out of the state and the terminal too. */
function hidden({ secretParameters }: StackPlan, values: Readonly<Record<string, string>>) {
  const hide = (name: string, value: string) => (secretParameters.includes(name) ? $util.secret(value) : value);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hide(name, value)]));
}

function outputsOf(stacks: readonly Deployed[]): Record<string, $util.Output<string>> {
  return Object.fromEntries(
    stacks.flatMap(({ plan, stack }) =>
      plan.outputs.map(name => [name, stack.outputs.apply(outputs => outputs?.[name] ?? '')] as const),
    ),
  );
}

import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const run = promisify(execFile);
const CHECKOUT = join(import.meta.dirname, '..', '..');
const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const STACK = 'reelay-e2e-core';
/** Where a bootstrapped account keeps assets. */
const BUCKET = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
const MOST_MS = 180_000;

/** A stack that exists. */
export interface CoreDeployment {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Type and status of each resource. */
  readonly resources: readonly { readonly type: string; readonly status: string }[];
  /** Bytes of the template, as it was handed over. */
  readonly templateBytes: number;
  /** Deletes the stack; the status it ends with. */
  delete(): Promise<string>;
}

/** How to make one. */
export interface DeployOptions {
  readonly endpoint: string;
  readonly folder: string;
  /** Python with `zipfile`, to pack what the CDK left as folders. */
  readonly python: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Synthesizes as `cdk deploy` does, publishes the core stack's assets where a bootstrapped account has them, and creates the stack. */
export async function deployCore({ endpoint, folder, python, parameters }: DeployOptions): Promise<CoreDeployment> {
  const assembly = join(folder, 'cdk.out');
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', join(CHECKOUT, 'infra', 'app.ts')], {
    cwd: CHECKOUT,
    env: { PATH: process.env.PATH, CDK_OUTDIR: assembly, REELAY_STAGE: 'e2e', AWS_EC2_METADATA_DISABLED: 'true' },
    timeout: MOST_MS,
  });
  // What `cdk bootstrap` leaves behind, and the image that the fleet would start from.
  await putParameter(endpoint, '/cdk-bootstrap/hnb659fds/version', '30');
  await putParameter(endpoint, '/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id', 'ami-0');
  await publish(assembly, python);
  const { size: templateBytes } = await stat(join(assembly, 'ReelayCore.template.json'));
  const client = new CloudFormationClient();
  await client.send(
    new CreateStackCommand({
      StackName: STACK,
      // By its address, as `cdk deploy` does: the body of a request may have 51,200 bytes, and this template has more.
      TemplateURL: `${endpoint}/${BUCKET}/${await templateKey(assembly)}`,
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
      OnFailure: 'DO_NOTHING',
    }),
  );
  const stack = await settled(client, /_COMPLETE$|_FAILED$/);
  if (stack.StackStatus !== 'CREATE_COMPLETE')
    throw new Error(`the stack is ${stack.StackStatus}: ${await whyFailed(client)}`);
  const { StackResourceSummaries = [] } = await client.send(new ListStackResourcesCommand({ StackName: STACK }));
  return {
    status: stack.StackStatus,
    outputs: Object.fromEntries(
      (stack.Outputs ?? []).map(output => [output.OutputKey ?? '', output.OutputValue ?? '']),
    ),
    resources: StackResourceSummaries.map(({ ResourceType = '', ResourceStatus = '' }) => ({
      type: ResourceType,
      status: ResourceStatus,
    })),
    templateBytes,
    delete: async () => {
      await client.send(new DeleteStackCommand({ StackName: STACK }));
      const after = await settled(client, /^DELETE_(COMPLETE|FAILED)$/).catch((error: Error) => {
        if (/does not exist/.test(error.message)) return { StackStatus: 'DELETE_COMPLETE' }; // what is gone has no description
        throw error;
      });
      return after.StackStatus ?? '';
    },
  };
}

async function settled(client: CloudFormationClient, until: RegExp) {
  const deadlineMs = performance.now() + MOST_MS;
  while (performance.now() < deadlineMs) {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: STACK }));
    const stack = Stacks?.[0];
    if (stack !== undefined && until.test(stack.StackStatus ?? '')) return stack;
    await sleep(200);
  }
  throw new Error(`the stack did not settle within ${MOST_MS / 1000} s`);
}

async function whyFailed(client: CloudFormationClient): Promise<string> {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: STACK }));
  const failed = StackEvents.filter(event => /FAILED/.test(event.ResourceStatus ?? ''));
  return failed
    .map(event => `${event.LogicalResourceId} (${event.ResourceType}): ${event.ResourceStatusReason}`)
    .join('; ');
}

/** Every file asset of the core stack to the bucket and key that its template names. */
async function publish(assembly: string, python: string): Promise<void> {
  const { files } = JSON.parse(await readFile(join(assembly, 'ReelayCore.assets.json'), 'utf8'));
  const client = new S3Client();
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const { source, destinations } of Object.values<any>(files)) {
    const path = join(assembly, source.path);
    const packed = source.packaging === 'zip' ? await zip(path, python) : path;
    for (const { objectKey } of Object.values<any>(destinations))
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: objectKey, Body: await readFile(packed) }));
  }
}

/** The template is an asset like the others. */
async function templateKey(assembly: string): Promise<string> {
  const { artifacts } = JSON.parse(await readFile(join(assembly, 'manifest.json'), 'utf8'));
  return basename(artifacts.ReelayCore.properties.stackTemplateAssetObjectUrl);
}

async function zip(source: string, python: string): Promise<string> {
  const path = `${join(source, '..', basename(source))}.zip`;
  await run(python, [
    '-c',
    'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[2])',
    path.slice(0, -4),
    source,
  ]);
  return path;
}

/** SSM's own protocol: the one call that we have no client for. */
async function putParameter(endpoint: string, name: string, value: string): Promise<void> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.PutParameter',
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/ssm/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ Name: name, Value: value, Type: 'String', Overwrite: true }),
  });
  if (!response.ok) throw new Error(`PutParameter ${name}: ${response.status} ${await response.text()}`);
}

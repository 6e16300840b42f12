/**
 * `run-worker.ts <app folder> [uid] [--fetch]`: the worker of a folder that is laid out as the image's /app, as a container runs it: an
 * environment of its own, a health check, a job, SIGTERM. The AWS beside it is on loopback. Prints one JSON line of what was seen.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3Objects } from '#adapters/aws/s3-objects.ts';
import { newReceiptKey } from '#adapters/receipt-keys.ts';
import { createSealing } from '#adapters/sealing.ts';
import { defaultShare } from '#core/jobs/fair-order.ts';
import { submit } from '#core/jobs/submit.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { accountsFor } from '#test/accounts/accounts-for.ts';
import { createMemoryAudit } from '#test/audit/memory-audit.ts';
import { awsNames, startAwsServers } from '#test/contracts/aws-servers.ts';
import { ownPlace } from '#test/core/places.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { markingSettings } from '#test/worker/marks-for.ts';

const [app = '', ...rest] = process.argv.slice(2);
const uid = rest.find(one => /^\d+$/.test(one));
const node = join(app, 'node_modules', 'node', 'bin', 'node');
const model = join(app, 'models', 'reelay-mini');
const scratch = await mkdtemp(join(tmpdir(), 'reelay-container-'));
await chmod(scratch, 0o777);
const aws = await startAwsServers();
const card = await readModelCard(model);
const fetching = rest.includes('--fetch');
if (fetching) await pushBundle(model, createS3Objects({ client: aws.clients.s3, bucket: awsNames.bucket }));

const env = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_ENDPOINT_URL_SQS: aws.endpoints.sqsAndS3,
  AWS_ENDPOINT_URL_S3: aws.endpoints.sqsAndS3,
  AWS_ENDPOINT_URL_DYNAMODB: aws.endpoints.dynamo,
  AWS_ENDPOINT_URL_EVENTBRIDGE: aws.endpoints.eventBridge,
  REELAY_QUEUE_URL: aws.queueUrl,
  REELAY_DEAD_LETTER_QUEUE_URL: aws.deadLetterQueueUrl,
  REELAY_TABLE: awsNames.table,
  REELAY_BUCKET: awsNames.bucket,
  REELAY_EVENT_BUS: awsNames.bus,
  REELAY_POOL: 'cloud-spot',
  REELAY_SITE: 'cloud',
  REELAY_REGION: 'us-east-1',
  REELAY_RECEIPT_KEY: newReceiptKey(),
  REELAY_MASTER_KEY: 'ab'.repeat(32),
  ...markingSettings,
  REELAY_PROVIDER: 'cpu',
  REELAY_THREADS: '2',
  ...(fetching ? { REELAY_BUNDLE_DIGESTS: `${card.id}=${card.digest}` } : { REELAY_BUNDLES: `${card.id}=${model}` }),
  HOME: scratch,
  TMPDIR: scratch,
  REELAY_SCRATCH: join(scratch, 'work'),
  REELAY_CACHE: join(scratch, 'cache'),
  REELAY_HEALTH_FILE: join(scratch, 'health.json'),
};
const as = uid === undefined ? {} : { uid: Number(uid), gid: Number(uid) };
const worker = spawn(node, [join(app, 'gpu-container', 'main.ts')], { env, cwd: app, ...as });
const said: string[] = [];
for (const stream of [worker.stdout, worker.stderr]) stream.setEncoding('utf8').on('data', text => said.push(text));
const exited = new Promise<number | null>(done => worker.once('exit', code => done(code)));
const health = () => spawnSync(node, [join(app, 'gpu-container', 'health.ts')], { env, cwd: app, ...as }).status;
const until = async (what: () => Promise<boolean> | boolean, seconds: number): Promise<boolean> => {
  for (const end = Date.now() + seconds * 1_000; Date.now() < end && worker.exitCode === null; ) {
    if (await what()) return true;
    await sleep(100);
  }
  return false;
};

const healthy = await until(() => health() === 0, 20);
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const master = Buffer.from(env.REELAY_MASTER_KEY, 'hex');
const sealing = createSealing({ kv: aws.kv, master, now: systemClock.now, where: 'test' });
const store = sealing.store(aws.store); // what the front door seals, the worker opens
const ports = { ...systemClock, ...aws, store, ...ownPlace, sha256, models: [card], random: randomBytes };
const front = {
  accounts: accountsFor(aws),
  checkWebhookUrl: () => undefined,
  enqueueDeliveries: async () => undefined,
  audit: createMemoryAudit(),
  subjects: sealing.subjects,
  shareOf: () => defaultShare,
  content: floorContent,
};
const job = await submit({ ...ports, ...front }, 'acme', { prompt: 'a red circle', seed: 1 });
const completed = await until(async () => (await aws.store.load(job.id))?.status === 'completed', 60);
const begun = performance.now();
worker.kill('SIGTERM');
const code = await Promise.race([exited, sleep(20_000, 'hangs' as const, { ref: false })]);
if (code === 'hangs') worker.kill('SIGKILL');
const drainMs = Math.round(performance.now() - begun);
const unhealthyAfter = health() !== 0;
await aws.close();
await rm(scratch, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify({ healthy, completed, code, drainMs, unhealthyAfter })}\n`);
if (!(healthy && completed && code === 0 && unhealthyAfter)) process.stderr.write(`${said.join('').slice(-4_000)}\n`);
process.exit(healthy && completed && code === 0 && unhealthyAfter ? 0 : 1);

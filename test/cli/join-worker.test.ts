import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditSettingsFrom, connectAudit } from '#adapters/aws/connect-audit.ts';
import { defaultShare } from '#core/jobs/fair-order.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { findBundles } from '#local/bundles.ts';
import { accountsFor } from '#test/accounts/accounts-for.ts';
import { type AwsServers, awsNames, startAwsServers } from '#test/contracts/aws-servers.ts';
import { ownPlace } from '#test/core/places.ts';
import { testSubjects } from '#test/core/subjects.ts';
import { cli, runCli } from '#test/local/server-process.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { markingSettings } from '#test/worker/marks-for.ts';

const SECRET = 'wJalrXUtnFEMIsecretsecretsecretsecretsec';
let aws: AwsServers;
let folder: string;

beforeAll(async () => {
  aws = await startAwsServers();
  folder = await mkdtemp(join(tmpdir(), 'reelay-join-'));
});
afterAll(async () => {
  await aws.close();
  await rm(folder, { recursive: true, force: true });
});

const standard = () => ({
  queueUrl: aws.queueUrl,
  deadLetterQueueUrl: aws.deadLetterQueueUrl,
  table: awsNames.table,
  bucket: awsNames.bucket,
});

async function writeJoinFile(name: string, changes: object = {}): Promise<string> {
  const path = join(folder, name);
  const pools = [{ pool: 'onprem-a', region: 'hq' }];
  const file = { v: 1, region: 'us-east-1', enclaves: { standard: standard() }, eventBus: awsNames.bus, pools };
  await writeFile(path, JSON.stringify({ ...file, ...changes }));
  return path;
}

/** A machine with keys in its environment and loopback for AWS. */
const machine = (data: string): Record<string, string> => ({
  REELAY_DATA: join(folder, data),
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_CONFIG_FILE: join(folder, 'no-config'),
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-credentials'),
  AWS_ENDPOINT_URL_SQS: aws.endpoints.sqsAndS3,
  AWS_ENDPOINT_URL_S3: aws.endpoints.sqsAndS3,
  AWS_ENDPOINT_URL_DYNAMODB: aws.endpoints.dynamo,
  AWS_ENDPOINT_URL_EVENTBRIDGE: aws.endpoints.eventBridge,
  AWS_MAX_ATTEMPTS: '1',
  ...markingSettings,
  REELAY_MASTER_KEY: 'ab'.repeat(32),
});

async function submitPorts(): Promise<SubmitPorts> {
  const { queue, store, blobs, events, deadLetters, kv } = aws;
  return {
    ...{ queue, store, blobs, events, deadLetters, kv },
    ...ownPlace,
    accounts: accountsFor({ kv, events }),
    audit: connectAudit(kv, auditSettingsFrom({}), { kind: 'door' }, () => Date.now()),
    shareOf: () => defaultShare,
    content: floorContent,
    checkWebhookUrl: () => undefined,
    enqueueDeliveries: async () => undefined,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    subjects: testSubjects,
    models: (await findBundles()).installed.map(bundle => bundle.card),
    now: () => Date.now(),
    random: randomBytes,
  };
}

describe('reelay worker --pool', () => {
  test('joins by one file, renders what waits, says where, and ends when idle; the file is kept for the next start', async () => {
    const job = await submit(await submitPorts(), 'default', { prompt: 'a ring', num_inference_steps: 1 });
    const args = ['worker', '--pool', 'onprem-a', '--until-idle', '--json'];
    const { code, stdout, stderr } = await cli([...args, '--join', await writeJoinFile('join.json')], machine('a'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines.filter(line => line.event === 'checked' && !line.ok)).toEqual([]);
    expect(lines.filter(line => line.event === 'checked').map(line => line.check)).toEqual([
      'disk',
      'bundle reelay-mini',
      'residency',
      'credentials',
      'queue of standard',
      'table of standard',
      'bucket of standard',
      'clock',
    ]);
    expect(lines.find(line => line.event === 'working')).toMatchObject({ pool: 'onprem-a', region: 'hq' });
    expect(lines.at(-1)).toEqual({ event: 'stopped' });
    const ended = await aws.store.load(job.id);
    expect(ended).toMatchObject({ status: 'completed' });
    expect(ended?.placements).toMatchObject([{ pool: 'onprem-a', site: 'onprem', region: 'hq', attempt: 1 }]);
    expect(stdout).not.toContain(SECRET);
    expect(stdout).not.toContain('a ring');
    const kept = join(folder, 'a', 'join.json');
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
    expect(await readFile(kept, 'utf8')).not.toContain(SECRET);
    const again = await cli(['worker', '--pool', 'onprem-a', '--check'], machine('a'));
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toContain('ok   residency: onprem in hq may serve standard');
  }, 90_000);

  test('names everything that is wrong with its resources, and takes no job', async () => {
    const wrong = {
      queueUrl: aws.queueUrl.replace(awsNames.queue, 'no-queue'),
      deadLetterQueueUrl: aws.deadLetterQueueUrl.replace(awsNames.deadLetterQueue, 'no-letters'),
      table: 'no-table',
      bucket: 'no-bucket',
    };
    const path = await writeJoinFile('wrong.json', {
      enclaves: { standard: wrong, sovereign: standard() },
      bundles: { 'reelay-mini': 'a'.repeat(64) },
      bundleBucket: awsNames.bucket,
    });
    const { code, stdout, stderr } = await cli(['worker', '--pool', 'onprem-a', '--join', path], machine('b'));
    expect(code).toBe(1);
    expect(stdout).not.toContain('working for');
    expect(stdout).toMatch(/^ok {3}queue of sovereign: there and permitted$/m);
    expect(stdout).toMatch(/^ok {3}table of sovereign: there and permitted$/m);
    for (const sentence of [
      /REELAY_QUEUE_URL \(http:\S+no-queue\): it does not exist/,
      /REELAY_TABLE \(no-table\): it does not exist/,
      /REELAY_BUCKET \(no-bucket\): it does not exist/,
      /REELAY_BUNDLE_DIGESTS, reelay-mini \(bundles\/a{64}\/bundle\.json\): the object is not there/,
    ])
      expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^reelay: this worker takes no jobs\. /);
    expect(stderr).not.toMatch(/\n\s+at /);
    // Served first is what only the premises may serve.
    expect(stdout.indexOf('queue of sovereign')).toBeLessThan(stdout.indexOf('queue of standard'));
  });

  test('says that AWS cannot be reached, and that no credentials are there', async () => {
    const path = await writeJoinFile('fine.json');
    const args = ['worker', '--pool', 'onprem-a', '--check', '--join', path];
    const dead = 'http://127.0.0.1:1';
    const cut = { AWS_ENDPOINT_URL_SQS: dead, AWS_ENDPOINT_URL_S3: dead, AWS_ENDPOINT_URL_DYNAMODB: dead };
    const unreached = await cli(args, { ...machine('c'), ...cut });
    expect(unreached.code).toBe(1);
    expect(unreached.stderr).toContain('it cannot be reached (ECONNREFUSED); HTTPS to AWS must be let out');
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...keyless } = machine('c');
    const none = await cli(args, { ...keyless, HOME: folder });
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('AWS credentials: there are no keys in the environment and no profile in');
  });

  test('gives up its place at SIGTERM and ends well', async () => {
    const args = ['worker', '--pool', 'onprem-a', '--json', '--join', await writeJoinFile('stop.json')];
    const child = runCli(args, machine('f'));
    let stdout = '';
    await new Promise<void>(working => {
      child.stdout!.on('data', chunk => {
        stdout += chunk;
        if (stdout.includes('"working"')) working();
      });
    });
    child.kill('SIGTERM');
    const code = await new Promise(done => child.once('exit', done));
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).event);
    expect(events.filter(event => event !== 'log' && event !== 'checked')).toEqual(['working', 'draining', 'stopped']);
  });

  test('takes the credentials of a credential process, and renews them', async () => {
    const helper = join(folder, 'helper');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const answer = {
      Version: 1,
      AccessKeyId: 'ASIAEXAMPLE',
      SecretAccessKey: SECRET,
      SessionToken: 't',
      Expiration: until,
    };
    await writeFile(helper, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
    const config = join(folder, 'config');
    await writeFile(config, `[profile reelay]\ncredential_process = ${helper} credential-process\n`);
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...keyless } = machine('e');
    const args = ['worker', '--pool', 'onprem-a', '--check', '--join', await writeJoinFile('process.json')];
    const { code, stdout, stderr } = await cli(args, { ...keyless, AWS_CONFIG_FILE: config, AWS_PROFILE: 'reelay' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`ok   credentials: until ${until}, renewed by themselves`);
    expect(stdout).not.toContain(SECRET);
  });

  test.each([
    [['--pool', 'onprem-b'], {}, 'this installation knows no pool "onprem-b" on the premises; it knows onprem-a'],
    [['--pool', 'cloud-spot'], {}, '--pool: "cloud-spot" is not a pool on the premises'],
    [['--pool', 'On Prem'], {}, '--pool: got "On Prem"'],
    [['--pool', 'onprem-a'], { REELAY_SITE: 'cloud' }, 'REELAY_SITE: got "cloud"'],
    [['--pool', 'onprem-a'], { REELAY_POOL: 'onprem-c' }, 'but REELAY_POOL says "onprem-c"'],
    [['--pool', 'onprem-a'], { REELAY_REGION: 'mars' }, 'REELAY_REGION: got "mars", but the installation says'],
    [[], {}, '--join: it goes with --pool'],
  ])('%j with %j is refused in a sentence', async (args, env, sentence) => {
    const { joinEnvironment } = await import('#cli/join-settings.ts');
    const path = await writeJoinFile('places.json');
    if (args.length === 0) {
      const { code, stderr } = await cli(['worker', '--join', path], machine('d'));
      expect([code, stderr]).toEqual([2, `reelay: ${sentence}.\n`]);
    } else {
      const given = { pool: args[1]!, join: path };
      await expect(joinEnvironment(given, env, join(folder, 'd'))).rejects.toThrow(sentence);
    }
  });
});

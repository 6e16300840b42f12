/**
 * The core template, as `cdk deploy` would hand it over, created for real on an emulator of AWS, and two jobs through all of it. Run by
 * test/cloud.sh, which installs the emulator.
 *
 *     node test/cloud/run.ts VENV FOLDER
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { decodeMp4 } from '#test/media/decode-mp4.ts';
import { callApi } from './api.ts';
import { deployCore } from './deployment.ts';
import { startMiniStack } from './ministack.ts';
import { observeBus } from './observed-bus.ts';
import { createReport } from './report.ts';
import { resolveSecrets } from './resolve-secrets.ts';
import { startWorker } from './worker.ts';

const [venv = '', folder = ''] = process.argv.slice(2);
const KEY = `rly_${randomBytes(12).toString('hex')}`;
const { check, until, note, finish } = createReport();

const emulator = await startMiniStack(venv, folder);
Object.assign(process.env, emulator.env);
let worker: ReturnType<typeof startWorker> | undefined;
// Both are groups of their own, which a signal to us does not reach.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => void Promise.all([worker?.drain(), emulator.close()]).then(() => process.exit(1)));
try {
  await play();
} catch (error) {
  note(`stopped: ${(error as Error).stack}`);
  process.exitCode = 1;
} finally {
  await worker?.drain();
  await emulator.close();
}
for (const path of [emulator.logPath, ...(worker === undefined ? [] : [worker.logPath])])
  if (process.exitCode === 1) process.stdout.write(`--- ${path}\n${readFileSync(path, 'utf8').slice(-4_000)}\n`);
finish();

async function play(): Promise<void> {
  const s3 = new S3Client();
  const core = await check('the unmodified core template is created', async () => {
    const parameters = { ApiKeySha256: createHash('sha256').update(KEY).digest('hex') };
    const made = await deployCore({
      endpoint: emulator.endpoint,
      folder,
      python: join(venv, 'bin', 'python'),
      parameters,
    });
    assert.equal(made.status, 'CREATE_COMPLETE');
    assert.deepEqual(
      made.resources.filter(({ status }) => status !== 'CREATE_COMPLETE'),
      [],
    );
    note(`${made.resources.length} resources, a template of ${made.templateBytes} bytes`);
    const told = await resolveSecrets(emulator.endpoint);
    note(`the emulator resolves no secrets: ${told} functions were told theirs`);
    return made;
  });
  const { outputs } = core;
  const Bucket = outputs.ReelayBucket ?? '';
  const bus = await observeBus(outputs.ReelayEventBus ?? '');
  const completed = (id: string, name: string) =>
    until(name, 90_000, async () =>
      (await bus.look()).find(event => event.subject === id && event.type === 'video.completed'),
    );
  const keys = async (Prefix: string) => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key = '' }) => Key);
  };
  const bytesOf = async (Key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  };
  const api = (method: string, path: string, body?: unknown) => callApi(outputs.ApiUrl ?? '', KEY, method, path, body);

  await check('the API answers, and lets nobody in without the key', async () => {
    assert.equal((await api('GET', '/health')).status, 200);
    assert.equal((await callApi(outputs.ApiUrl ?? '', undefined, 'GET', '/v1/videos')).status, 401);
    const models = await api('GET', '/v1/models');
    assert.deepEqual(
      models.body.data.map((model: { id: string }) => model.id),
      ['reelay-mini'],
    );
  });

  worker = startWorker(outputs, folder, emulator.env);
  const dropped = await check('a file dropped into the bucket becomes a job', async () => {
    const Body = JSON.stringify({ prompt: 'a red circle moving right', num_inference_steps: 4, seed: 7 });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'drop/first.json', Body }));
    return until('the job of the drop', 60_000, async () => (await api('GET', '/v1/videos')).body.data[0]);
  });
  await check('its MP4 is in the bucket and its completion is seen on the bus', async () => {
    const event = await completed(dropped.id, 'the completion event of the drop');
    const key = (await keys('videos/')).find(name => name.includes(dropped.id) && name.endsWith('/video.mp4'));
    const mp4 = await bytesOf(key ?? 'no MP4');
    assert.equal(createHash('sha256').update(mp4).digest('hex'), event.data.sha256);
    await assertPlays(mp4);
  });

  const created = await check('the API takes a request', async () => {
    const answer = await api('POST', '/v1/videos', {
      prompt: 'a blue ring over cream',
      num_inference_steps: 4,
      seed: 8,
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  });
  await check('polled until it is completed, the MP4 comes by a signed link and plays', async () => {
    const done = await until('the job of the API', 90_000, async () => {
      const { body } = await api('GET', `/v1/videos/${created.id}`);
      assert.notEqual(body.status, 'failed', JSON.stringify(body.error));
      return body.status === 'completed' ? body : undefined;
    });
    const { status, location = '' } = await api('GET', `/v1/videos/${created.id}/content`);
    assert.equal(status, 302);
    const mp4 = Buffer.from(await (await fetch(location)).arrayBuffer());
    assert.equal(createHash('sha256').update(mp4).digest('hex'), done.sha256);
    await assertPlays(mp4);
    await completed(created.id, 'the completion event of the API');
  });

  await check('the minute brings the drop its receipt and its MP4 below out/', async () => {
    const out = await until('the receipt of the drop', 150_000, async () => {
      const found = await keys('out/');
      return found.some(key => key.endsWith('.mp4')) && found.some(key => key.endsWith('receipt.json'))
        ? found
        : undefined;
    });
    await assertPlays(await bytesOf(out.find(key => key.endsWith('.mp4')) ?? ''));
  });
  await check('a worker that is told to go drains and ends well', async () => {
    assert.equal(await worker?.drain(), 0);
  });
  await check('the stack is deleted', async () => assert.equal(await core.delete(), 'DELETE_COMPLETE'));
}

async function assertPlays(mp4: Uint8Array): Promise<void> {
  const clip = await decodeMp4(mp4);
  assert.deepEqual([clip.width, clip.height, clip.frames.length > 8], [256, 256, true]);
}

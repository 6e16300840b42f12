import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditSettingsFrom, connectAudit } from '#adapters/aws/connect-audit.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { createAuthenticator } from '#core/accounts/authenticate.ts';
import { parseKeyFields } from '#core/accounts/key-input.ts';
import { createKey } from '#core/accounts/keys.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { ReelayError } from '#core/errors.ts';
import { defaultShare } from '#core/jobs/fair-order.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { nothingAllowed } from '#core/webhooks/allow-list.ts';
import { authenticateAt } from '#functions/authenticate.ts';
import { bearerOf } from '#functions/bearer.ts';
import type { Deps } from '#functions/deps.ts';
import { createLambdaHandler } from '#functions/lambda.ts';
import { createRecordVerifier } from '#functions/record-verifier.ts';
import { routes } from '#functions/routes.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer, type Renderer } from '#gpu-container/worker/renderer.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { findBundles } from '#local/bundles.ts';
import { toContext, toEvent } from '#local/http-event.ts';
import { createHttpServer } from '#local/http-server.ts';
import { createRouter } from '#local/router.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { accountsFor } from '#test/accounts/accounts-for.ts';
import { type AwsServers, startAwsServers } from '#test/contracts/aws-servers.ts';
import { ownPlace } from '#test/core/places.ts';
import { testSubjects } from '#test/core/subjects.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { marksFor } from '#test/worker/marks-for.ts';
import { receiptsFor } from '#test/worker/receipts-for.ts';
import { RENDER_CHILD } from '#test/worker/worker-bench.ts';

const KEY = 'rly_test_key';
const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

let aws: AwsServers;
let server: Server;
let renderer: Renderer;
let folder: string;
let running: Promise<void>;
let deps: Deps;
const draining = new AbortController();
const logged: string[] = [];

beforeAll(async () => {
  aws = await startAwsServers();
  folder = await mkdtemp(join(tmpdir(), 'reelay-aws-'));
  const bundles = (await findBundles()).installed;
  const { queue, store, blobs, events, deadLetters, kv } = aws;
  const accounts = accountsFor({ kv, events });
  const ports = {
    ...{ queue, store, blobs, events, deadLetters, kv, accounts, enqueueDeliveries: async () => undefined },
    ...{ content: floorContent, random: randomBytes, sha256 },
  };
  const shareOf = () => defaultShare;
  const audit = connectAudit(kv, auditSettingsFrom({}), { kind: 'door' }, systemClock.now);
  const log: Deps['log'] = (...line) => void logged.push(JSON.stringify(line));
  deps = {
    ...ports,
    ...ownPlace,
    webhooks: createWebhookPorts({ kv, allow: nothingAllowed, now: () => Date.now() }),
    log,
    shareOf,
    audit,
    checkWebhookUrl: () => undefined,
    sha256,
    verifier: createRecordVerifier({ kv, sha256, modelOf: () => undefined }),
    subjects: testSubjects,
    models: bundles.map(bundle => bundle.card),
    now: () => Date.now(),
    random: randomBytes,
    authenticate: authenticateAt({
      accounts: createAuthenticator({ kv, now: () => Date.now(), sha256 }),
      operatorKey: bearerOf(sha256(KEY)),
      tenant: 'default',
      isKeyless: false,
    }),
    rates: createRateLimiter(() => Date.now()),
    keyEnvironment: 'live',
    canStream: false,
    sleep: ms => sleep(ms),
    describe: async () => ({ mode: 'aws' }),
  };
  server = createHttpServer(deps, noStaticFiles);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  renderer = createRenderer({
    bundles: new Map(bundles.map(bundle => [bundle.card.id, bundle.folder])),
    threads: 2,
    childPath: RENDER_CHILD,
  });
  const { monotonicMs } = systemClock;
  const { leaseSeconds } = limits;
  const worker: WorkerPorts = {
    ...systemClock,
    ...ports,
    ...ownPlace,
    shareOf,
    audit,
    log,
    renderer,
    receipts: receiptsFor({ kv, ...ownPlace, random: randomBytes }),
    marks: marksFor({ kv }),
    owner: 'task-1',
    ownerIsGone: () => false,
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs, leaseSeconds }),
    progressEveryMs: 100,
    checkpointCadence: { everySteps: 0, everyMs: 0 },
    scratch: job => openScratch(join(folder, job.id)),
  };
  running = runWorker(worker, draining.signal);
});

afterAll(async () => {
  draining.abort(new Error('the test is over'));
  await running;
  await renderer.close();
  server.closeAllConnections();
  server.close();
  await aws.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the whole path on SQS, S3, DynamoDB and EventBridge', () => {
  const client = (apiKey: string) =>
    new OpenAI({ baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, apiKey, maxRetries: 0 });

  test('create, wait, download through a presigned redirect, one event, list, delete', async () => {
    const openai = client(KEY);
    const created = await openai.videos.create({
      prompt: 'a green square moving left over cream',
      num_inference_steps: 2,
    } as never);
    let video = created;
    for (let looks = 0; looks < 300 && video.status !== 'completed' && video.status !== 'failed'; looks++) {
      await sleep(100);
      video = await openai.videos.retrieve(created.id);
    }
    expect(video).toMatchObject({ status: 'completed', progress: 100 });
    const response = await openai.videos.downloadContent(created.id);
    expect(response.redirected).toBe(true);
    const mp4 = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha256').update(mp4).digest('hex')).toBe((video as unknown as { sha256: string }).sha256);
    expect(
      aws
        .recordedEvents()
        .filter(event => event.subject === created.id)
        .map(event => event.type),
    ).toEqual(['video.completed']);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/videos/${created.id}/receipt`;
    const receipt = await (await fetch(url, { headers: { authorization: `Bearer ${KEY}` } })).text();
    expect(readReceipt(receipt).receipt).toMatchObject({ job: created.id, attempts: [{ attempt: 1 }] });
    expect((await openai.videos.list()).data.map(item => item.id)).toContain(created.id);
    await openai.videos.delete(created.id);
    await expect(openai.videos.retrieve(created.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('nobody without the key gets in, and health tells nothing', async () => {
    await expect(client('wrong').videos.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    const health = await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/health`)).json();
    expect(health).toEqual({ status: 'ok' });
    expect(bearerOf(undefined)(`Bearer ${KEY}`)).toBeUndefined();
    const stored = await createKey(
      { ...deps, environment: 'live' },
      'default',
      parseKeyFields({ name: 'ci' }, deps.now()),
    );
    expect((await client(stored.text).videos.list()).data).toEqual((await client(KEY).videos.list()).data);
  });

  test('the Lambda entry answers events as the server does, and event streams with the state and a retry', async () => {
    const handler = createLambdaHandler(() => ({ ...deps, checkMasterKey: async () => undefined }));
    const route = createRouter(Object.keys(routes));
    const invoke = async (method: string, path: string, body = '') => {
      const match = route(method, path);
      if (!('key' in match)) throw new ReelayError('not_found', path);
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', host: 'api.example' };
      const request = { method, url: path, headers, httpVersion: '1.1', socket: { remoteAddress: '192.0.2.1' } };
      const event = toEvent(request as never, Buffer.from(body), match);
      return handler(event, toContext(event));
    };
    const created = await invoke('POST', '/v1/videos', JSON.stringify({ prompt: 'a ring', num_inference_steps: 1 }));
    expect(created.statusCode).toBe(200);
    const { id } = JSON.parse(created.body ?? '') as { id: string };
    const events = await invoke('GET', `/v1/videos/${id}/events`);
    expect(events.body).toMatch(/^retry: 2000\n\nid: \d+\nevent: (status|done)\ndata: \{/);
    expect((await invoke('POST', '/v1/videos', '{"prompt":""}')).statusCode).toBe(400);
    // Lambda itself carries 6 MB, of which base64 takes a quarter: what does not fit is told by us as long as it reaches us.
    const large = await invoke(
      'POST',
      '/v1/videos',
      `{"prompt":"x","input_reference":"data:${'x'.repeat(4_600_000)}"}`,
    );
    expect(large.statusCode).toBe(413);
    expect(JSON.parse(large.body ?? '').error.message).toMatch(/got 46\d+ bytes; at most 4500000 are allowed/);
    expect((await handler({ ...toEventStub(), routeKey: 'GET /nope' }, toContext(toEventStub()))).statusCode).toBe(404);
  });

  test('the Lambda entry answers nothing while its master key is another one than the stores were sealed with', async () => {
    let asked = 0;
    let found: ReelayError | undefined = new ReelayError('invalid_request', 'another key');
    const checkMasterKey = async () => {
      asked++;
      if (found !== undefined) throw found;
    };
    const handler = createLambdaHandler(() => ({ ...deps, checkMasterKey }));
    const health = () => handler({ ...toEventStub(), routeKey: 'GET /health' }, toContext(toEventStub()));
    await expect(health()).rejects.toThrow('another key');
    found = new ReelayError('store_unavailable', 'out');
    expect((await health()).statusCode).toBe(200);
    found = undefined;
    for (let n = 0; n < 3; n++) expect((await health()).statusCode).toBe(200);
    expect(asked).toBe(3);
  });

  test('the log has no prompt, no key and no signed link', () => {
    expect(logged.length).toBeGreaterThan(3);
    for (const word of ['green square', KEY, 'X-Amz-Signature']) expect(logged.join('\n')).not.toContain(word);
  });
});

function toEventStub() {
  const request = { method: 'GET', url: '/nope', headers: {}, httpVersion: '1.1', socket: {} };
  return toEvent(request as never, Buffer.alloc(0), { key: 'GET /nope', parameters: {} });
}

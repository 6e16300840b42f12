/** What is left of a server on a data folder once it is closed: nothing that writes, waits or lives. */
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { openEmbedded } from '#local/embedded.ts';
import type { ServeOptions } from '#local/serve.ts';
import { type ApiServer, startApi } from '#test/functions/api-server.ts';
import { writeFastBundle } from '#test/runtime/fast-bundle.ts';

/** Longer than lines of the log wait for company, and than a stream of events sleeps. */
const LATER_MS = 2 * limits.ssePollMs;
/** Half a second of rendering, and more on a busy machine. */
const SLOW = { prompt: 'a red circle', num_inference_steps: 50 };

let root: string;
let dataFolder: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelay-close-'));
  dataFolder = join(root, 'data');
  await writeFastBundle(join(root, 'models', 'fast'), { blocks: 300 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function start(options: Partial<ServeOptions> = {}): Promise<ApiServer> {
  const folders = { dataFolder, modelsFolder: join(root, 'models'), dropFolder: join(dataFolder, 'drop') };
  const api = await startApi({ ...folders, ...options });
  onTestFinished(() => api.close()); // again, unless the test failed before
  return api;
}

/** Size and time of everything in the folder, folders too: a file that came and went leaves its trace there. */
async function look(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of ['', ...(await readdir(dataFolder, { recursive: true }))].sort()) {
    const { size, mtimeNs, ctimeNs } = await lstat(join(dataFolder, name), { bigint: true });
    found[name] = `${size} bytes, ${mtimeNs}, ${ctimeNs}`;
  }
  return found;
}

const children = () => process.getActiveResourcesInfo().filter(name => name === 'ProcessWrap').length;

async function nothingComesAfter(api: ApiServer): Promise<void> {
  await api.close();
  const atClose = await look();
  expect(children()).toBe(0);
  await sleep(LATER_MS);
  expect(await look()).toEqual(atClose);
}

test('a server that is closed while it renders, answers and streams writes nothing more, and has no process left', async () => {
  const api = await start();
  const { id } = await api.post(SLOW);
  const percent = async () => (await api.call('GET', `/v1/videos/${id}`)).body.progress;
  await expect.poll(percent, { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
  expect(children()).toBe(1);
  const events = (await fetch(`${api.url}/v1/videos/${id}/events`)).body!.getReader();
  await events.read();
  const answers = Array.from({ length: 10 }, () => api.post(SLOW));
  await Promise.race(answers); // the others are being handled
  await nothingComesAfter(api);
  await Promise.allSettled([...answers, events.cancel()]);
});

test('a server that is closed after its last answer writes nothing more', async () => {
  const api = await start();
  const { id } = await api.post({ ...SLOW, num_inference_steps: 1 });
  await api.call('GET', `/v1/videos/${id}`);
  await nothingComesAfter(api);
});

test('a server that is closed while it counts refused requests logs how many they were', async () => {
  const api = await start({ work: false });
  const ahead = connect(Number(new URL(api.url).port), '127.0.0.1');
  ahead.on('error', () => undefined).write('GET /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(30));
  for await (const chunk of ahead) if (String(chunk).includes('HTTP/1.1 429')) break;
  await nothingComesAfter(api);
  expect(await readFile(join(dataFolder, 'log.jsonl'), 'utf8')).toMatch(/"requests refused","refused":\d+/);
});

test('a server that is closed while it cancels a job ends with that, although its client is gone', async () => {
  const api = await start({ work: false });
  const { id } = await api.post(SLOW);
  const { events } = api.embedded.deps;
  const { publish } = events;
  let closed: Promise<void> | undefined;
  const slowPublish: typeof publish = async event => {
    closed ??= nothingComesAfter(api); // from within the handler
    await sleep(LATER_MS / 2);
    await publish(event);
  };
  Object.assign(events, { publish: slowPublish });
  await expect(api.call('POST', `/v1/videos/${id}/cancel`)).rejects.toThrow('fetch failed');
  expect(closed).toBeDefined();
  await closed;
});

test('a server that is closed while it looks up a job does not wait for news of it that nobody is left to hear', async () => {
  const api = await start({ work: false });
  const { id } = await api.post(SLOW);
  const { store } = api.embedded.deps;
  const { get } = store;
  const { version } = (await get(id, 'local'))!;
  let closed: Promise<void> | undefined;
  const slowGet: typeof get = async (...of) => {
    closed ??= api.close(); // from within the handler
    await sleep(LATER_MS / 2);
    return get(...of);
  };
  Object.assign(store, { get: slowGet });
  const headers = { 'last-event-id': String(version) }; // so there is nothing to send before a comment is due
  await expect(api.call('GET', `/v1/videos/${id}/events`, { headers })).rejects.toThrow('fetch failed');
  const closingMs = performance.now();
  await closed;
  expect(performance.now() - closingMs).toBeLessThan((limits.sseCommentSeconds * 1000) / 2);
});

test('a server of which a part does not end well lets go of its folder all the same, and says what it was', async () => {
  const embedded = await openEmbedded({ dataFolder, modelsFolder: join(root, 'models') });
  const owners = () => readdir(join(dataFolder, 'owners'));
  expect(await owners()).toHaveLength(1);
  Object.assign(embedded.deps.verifier!, { close: () => Promise.reject(new Error('it would not end')) });
  await expect(embedded.close()).rejects.toThrow('it would not end');
  expect(await owners()).toEqual([]);
  await expect(embedded.idle()).rejects.toThrow();
});

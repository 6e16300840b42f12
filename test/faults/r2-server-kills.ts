/**
 * R2: the server (embedded: API, worker, render child) is killed with SIGKILL while clients submit, and started again at once. Half of the
 * clients are the unmodified openai client with its own retries, half are plain fetch that repeats a request under its Idempotency-Key
 * until it is answered, and now and then once more after that. Ready is measured from the spawn to the first 200 of GET /health.
 *
 * A job whose worker was gone limits.maxRestarts times is given up, as it may be what takes the server down. Lives here are too short for a slow
 * machine to end any job, so a job with half as many attempts is let through before the next kill.
 */
import { createServer } from 'node:net';
import OpenAI from 'openai';
import { limits } from '#core/limits.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { judge } from './judge.ts';
import { startServer, stopAll } from './processes.ts';
import { all, none, percentile, type Result, round, within } from './result.ts';
import type { Stage } from './stage.ts';
import type { ServerSetup } from './worker-setup.ts';

const CLIENTS = 4;
const REQUEST = { prompt: 'a red circle', num_inference_steps: 2 };

export async function runServerKills(stage: Stage, scale: number): Promise<Result> {
  const kills = Math.max(4, Math.round(200 * scale));
  const modelsFolder = await stage.models({ blocks: 30 });
  const dataFolder = stage.path('data');
  const checkpointCadence = { everySteps: 10, everyMs: 0 };
  const setup = { dataFolder, modelsFolder, port: await freePort(), leaseSeconds: 3, checkpointCadence };
  const url = `http://127.0.0.1:${setup.port}`;
  const data = await openDataFolder(dataFolder, modelsFolder);
  const told = createTold();
  const leave = new AbortController();
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(stage, n, url, told, leave.signal)));
  clients.catch(() => undefined); // told below, unless the kills fail first
  const starts = await killAndRestart(stage, setup, { url, kills, data });
  leave.abort();
  await clients;
  await data.ended(stage, 300_000);
  await stopAll([starts.server]);
  data.close();

  const history = await readHistory(dataFolder);
  const verdict = judge(history, told.acked.values());
  return {
    id: 'R2',
    title: `${kills} kill -9 of the server under submits of ${CLIENTS} clients, ${told.acked.size} requests acknowledged`,
    goals: [
      none('acknowledged and lost', verdict.lost),
      none('requests with two jobs', twice(history, told)),
      all('completed', verdict.completed, history.jobs.length),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none('ends not told', verdict.untold),
      none('files left over', verdict.leftovers),
      within('ready p95', percentile(starts.readyMs, 0.95) / 1000, 3, 's'),
    ],
    figures: {
      requests: told.acked.size,
      jobs: history.jobs.length,
      tries: told.tries,
      readyMs: {
        p50: round(percentile(starts.readyMs, 0.5)),
        p95: round(percentile(starts.readyMs, 0.95)),
        most: round(Math.max(...starts.readyMs)),
      },
      repeatedEvents: verdict.repeatedEvents,
    },
  };
}

/** What clients were told: ids by the tag of the request, which is in its metadata. */
interface Told {
  readonly acked: Map<string, string>;
  /** Answers of one request that named different jobs. */
  readonly contradictions: string[];
  tries: number;
}

function createTold(): Told {
  return { acked: new Map(), contradictions: [], tries: 0 };
}

function note(told: Told, tag: string, id: string): void {
  const before = told.acked.get(tag);
  if (before !== undefined && before !== id) told.contradictions.push(tag);
  told.acked.set(tag, id);
}

/** Requests for which there is more than one job, or whose answers contradicted each other. */
function twice({ jobs }: History, told: Told): string[] {
  const byTag = Map.groupBy(jobs, job => job.request.metadata.tag ?? '');
  return [...told.contradictions, ...[...byTag].filter(([, group]) => group.length > 1).map(([tag]) => tag)];
}

interface Killing {
  readonly url: string;
  readonly kills: number;
  readonly data: DataFolder;
}

async function killAndRestart(stage: Stage, setup: ServerSetup, { url, kills, data }: Killing) {
  const readyMs: number[] = [];
  const isTired = async () =>
    (await data.ports.store.listRunning(10)).some(job => job.restarts >= limits.maxRestarts / 2) ? undefined : true;
  stage.note(() => `${readyMs.length} starts of ${kills + 1}`);
  for (;;) {
    const startedMs = performance.now();
    const server = startServer(setup);
    await stage.until('the server to be ready', () => isReady(url), 30_000, 5);
    readyMs.push(performance.now() - startedMs);
    if (readyMs.length > kills) return { readyMs, server };
    await stage.sleep(50 + stage.int(700));
    await stage.until('a job of many attempts to end', isTired, 60_000);
    server.signalGroup('SIGKILL');
    await server.exited;
  }
}

async function isReady(url: string): Promise<true | undefined> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.status === 200 ? true : undefined;
}

/** Submits one request after the other until told to leave; one that was begun is brought to its answer. */
async function client(stage: Stage, n: number, url: string, told: Told, leave: AbortSignal): Promise<void> {
  const countTries: typeof fetch = (...args) => {
    told.tries++;
    return fetch(...args);
  };
  const openai = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: 'unused',
    maxRetries: 40,
    fetch: countTries,
    timeout: 5_000,
  });
  for (let i = 0; !leave.aborted; i++) {
    const tag = `${n}-${i}`;
    const body = { ...REQUEST, seed: i % 20, metadata: { tag } };
    if (n % 2 === 0) note(told, tag, (await openai.videos.create(body as never)).id);
    else for (const id of await submitByKey(stage, url, body, countTries)) note(told, tag, id);
    await stage.sleep(100 + stage.int(200));
  }
}

/** Under one key until it is answered; one of eight is sent again after its answer. Every id that came back. */
async function submitByKey(
  stage: Stage,
  url: string,
  body: { metadata: { tag: string } },
  send: typeof fetch,
): Promise<string[]> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `key-${body.metadata.tag}` };
  const wanted = stage.int(8) === 0 ? 2 : 1;
  const ids: string[] = [];
  while (ids.length < wanted) {
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(5_000) };
    const answer = await send(`${url}/v1/videos`, init)
      .then(async response => ({ ok: response.ok, body: (await response.json()) as { id: string } }))
      .catch(() => undefined);
    if (answer?.ok) ids.push(answer.body.id);
    else await stage.sleep(30 + stage.int(50));
  }
  return ids;
}

/** One that is free now; the server insists on it after each restart. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>(done => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as { port: number };
  await new Promise(done => probe.close(done));
  return port;
}

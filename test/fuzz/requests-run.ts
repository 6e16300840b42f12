import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCase } from './requests-case.ts';
import type { KnownJobs } from './requests-http.ts';
import { createLane, HANG_MS } from './requests-send.ts';

/** What to send. */
export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** The first request's number: a single one is replayed with `requests: 1`. */
  readonly from?: number;
  readonly onProgress?: (done: number, megabytes: number) => void;
}

/** A request that the server did not take well. */
export interface Finding {
  readonly n: number;
  readonly kind: string;
  readonly fault: string;
  /** The bytes, in base64, cut after some. */
  readonly bytes: string;
}

/** What a run came to. */
export interface FuzzReport {
  readonly requests: number;
  readonly seconds: number;
  /** Answers by status; `none` for connections closed without one. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** Slow once and quick when sent again alone: the machine was busy. */
  readonly slowOnce: number;
  /** The requests that took longest, for a look at what costs. */
  readonly slowest: readonly { readonly n: number; readonly kind: string; readonly tookMs: number }[];
  readonly serverMegabytes: { readonly first: number; readonly most: number; readonly last: number };
  /** The server's longest turn of the event loop. */
  readonly longestTurnMs: number;
  /** After it all a good request was accepted, read back and found in the list. */
  readonly worksAfterwards: boolean;
}

const LANES = 48;
const MOST_FINDINGS = 200;
const SLOWEST = 10;
const REPLAYS = 5;
const LOOK_EVERY_MS = 1_000;
const SHOWN_BYTES = 3_000;

/** Sends the requests of a seed to a fresh server and judges every answer. Throws when the server dies. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-fuzz-'));
  const server = await startServer(folder);
  try {
    return await Promise.race([server.died, attack(server, options)]);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

type Server = Awaited<ReturnType<typeof startServer>>;

async function attack(server: Server, { requests, seed, from = 0, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const [statuses, kinds]: Record<string, number>[] = [{}, {}];
  const findings: Finding[] = [];
  const slow: number[] = [];
  let slowest: { n: number; kind: string; tookMs: number }[] = [];
  let next = from;
  const lane = async () => {
    const { send, close } = createLane(server.port);
    for (let n = next++; n < from + requests && findings.length < MOST_FINDINGS; n = next++) {
      const fuzzCase = makeCase(seed, n, server.jobs);
      const verdict = await send(fuzzCase);
      kinds![fuzzCase.kind] = (kinds![fuzzCase.kind] ?? 0) + 1;
      for (const status of verdict.statuses.length > 0 ? verdict.statuses : ['none'])
        statuses![status] = (statuses![status] ?? 0) + 1;
      slowest.push({ n, kind: fuzzCase.kind, tookMs: Math.round(verdict.tookMs) });
      if (slowest.length > 1_000) slowest = slowestOf(slowest);
      if (verdict.hung) slow.push(n);
      else if (verdict.fault !== undefined) findings.push(findingOf(n, verdict.fault));
    }
    close();
  };
  const findingOf = (n: number, fault: string): Finding => {
    const { kind, pieces } = makeCase(seed, n, server.jobs);
    return { n, kind, fault, bytes: Buffer.concat(pieces).subarray(0, SHOWN_BYTES).toString('base64') };
  };
  const first = await server.usage();
  let most = first.megabytes;
  const note = ({ megabytes }: { megabytes: number }) => {
    most = Math.max(most, megabytes);
    onProgress?.(next - from, megabytes);
  };
  const look = setInterval(() => void server.usage().then(note, () => clearInterval(look)), LOOK_EVERY_MS);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: LANES }, lane));
  const seconds = (performance.now() - startedMs) / 1000;
  clearInterval(look);
  const last = await server.usage();
  let slowOnce = 0;
  for (const n of slow) {
    const fault = await slowAgain(server, seed, n);
    if (fault === undefined) slowOnce++;
    else findings.push(findingOf(n, fault));
  }
  return {
    requests,
    seconds,
    statuses: statuses!,
    kinds: kinds!,
    findings,
    slowOnce,
    slowest: slowestOf(slowest),
    serverMegabytes: { first: first.megabytes, most: Math.max(most, last.megabytes), last: last.megabytes },
    longestTurnMs: last.longestMs,
    worksAfterwards: await works(server.url),
  };
}

/** Sends it alone, several times: on a busy machine anything is slow once. */
async function slowAgain(server: Server, seed: number, n: number): Promise<string | undefined> {
  for (let tries = 0; tries < REPLAYS; tries++) {
    const { send, close } = createLane(server.port);
    const { fault, hung } = await send(makeCase(seed, n, server.jobs));
    close();
    if (!hung) return fault;
  }
  return `took over ${HANG_MS} ms, and so alone, ${REPLAYS} times`;
}

function slowestOf<T extends { tookMs: number }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, SLOWEST);
}

async function works(url: string): Promise<boolean> {
  const headers = { 'content-type': 'application/json' };
  const post = await fetch(`${url}/v1/videos`, { method: 'POST', headers, body: '{"prompt":"after the storm"}' });
  const { id } = (await post.json()) as { id: string };
  const got = (await (await fetch(`${url}/v1/videos/${id}`)).json()) as { prompt: string };
  const list = (await (await fetch(`${url}/v1/videos?limit=5`)).json()) as { data: { id: string }[] };
  const health = (await (await fetch(`${url}/health`)).json()) as { status: string };
  return got.prompt === 'after the storm' && list.data.some(video => video.id === id) && health.status === 'ok';
}

async function startServer(folder: string) {
  const child = fork(join(import.meta.dirname, 'requests-server.ts'), [folder], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512'],
  });
  let closing = false;
  const exited = new Promise<string>(resolve =>
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)),
  );
  const died = exited.then(how => {
    if (closing) return new Promise<never>(() => undefined);
    throw new Error(`the server ended with ${how}`);
  });
  died.catch(() => undefined);
  const message = () => Promise.race([died, new Promise<any>(resolve => child.once('message', resolve))]);
  const { url, jobs } = (await message()) as { url: string; jobs: KnownJobs };
  return {
    url,
    jobs,
    died,
    port: Number(new URL(url).port),
    async usage(): Promise<{ megabytes: number; longestMs: number }> {
      const told = message();
      if (child.connected) child.send('usage');
      const { rss, longestMs } = await told;
      return { megabytes: Math.round(rss / 1e6), longestMs };
    },
    async close() {
      closing = true;
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CpuShares, type LoadedServer, startLoadedServer } from './load-child.ts';
import { createLoadClient, type LoadClient } from './load-client.ts';
import { mulberry32, runPhase, type Stream, type Stretch } from './load-phase.ts';
import { type Figures, figuresOf, recoverySeconds } from './load-report.ts';

/** R14 of RELIABILITY.md §4. */
export const goals = {
  submit: { perSecond: 300, p99Ms: 50 },
  status: { perSecond: 2_000, p99Ms: 20 },
  overloadFactor: 3,
  recoverySeconds: 5,
} as const;

/** How hard and how long. */
export interface LoadOptions {
  /** Of the goals' rates. */
  readonly scale: number;
  /** For all phases together, warm-up left out. */
  readonly seconds: number;
  readonly seed: number;
  /** Before the first phase; 4 s compile the hot paths. */
  readonly warmUpSeconds?: number;
  /** Told of each phase as it ends. */
  readonly onPhase?: (phase: LoadPhase) => void;
}

/** What one phase came to. */
export interface LoadPhase {
  readonly phase: string;
  readonly figures: readonly Figures[];
  /** Of one core, over the phase; `others` is what the rest of the machine did meanwhile. */
  readonly cpu: CpuShares;
  readonly serverMegabytes: number;
}

/** The whole run. */
export interface LoadReport {
  readonly phases: readonly LoadPhase[];
  readonly recovery: { readonly submit: number; readonly status: number };
}

/** The queue must never be what refuses: what is measured is accepting. */
const MAX_QUEUED_JOBS = 10_000_000;
/** At full scale so many jobs are there before the first status is asked for. */
const JOBS_AHEAD = 500;
/** Compiles the hot paths; not counted. */
const WARM_UP_SECONDS = 4;
/** Of `seconds`, per phase; the last is three parts of overload to two of recovery. */
const PARTS = { submit: 0.2, status: 0.2, both: 0.3, overload: 0.18, recovery: 0.12 };

/** Starts a server process, loads it phase by phase, ends it. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-load-'));
  const server = await startLoadedServer(folder, MAX_QUEUED_JOBS);
  const client = createLoadClient(server.port);
  try {
    return await runPhases(client, server, options);
  } finally {
    client.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runPhases(client: LoadClient, server: LoadedServer, options: LoadOptions): Promise<LoadReport> {
  const { scale, seconds, seed, onPhase, warmUpSeconds = WARM_UP_SECONDS } = options;
  const ids: string[] = [];
  const random = mulberry32(seed);
  const submit = submitStream(goals.submit.perSecond * scale, ids);
  const status = statusStream(goals.status.perSecond * scale, ids, random);
  const phases: LoadPhase[] = [];
  const run = async (streams: readonly Stream[], parts: Readonly<Record<string, Stretch>>) => {
    const usage = await server.measure();
    const results = await runPhase(client, streams, { stretches: Object.values(parts), seed: seed + phases.length });
    const { cpu, serverMegabytes } = await usage();
    let fromMs = 0;
    for (const [phase, stretch] of Object.entries(parts)) {
      const untilMs = fromMs + stretch.seconds * 1000;
      const figures = results.map(result => figuresOf(result, fromMs, untilMs));
      phases.push({ phase, figures, cpu, serverMegabytes });
      onPhase?.(phases.at(-1)!);
      fromMs = untilMs;
    }
    return results;
  };
  for (let n = 0; n < Math.max(10, JOBS_AHEAD * scale); n++)
    await client.send(submit.request(n)).then(({ outcome, text }) => submit.onAnswer!(outcome, text));
  await runPhase(client, [submit, status], { stretches: [{ seconds: warmUpSeconds, factor: 1 }], seed });
  await run([submit], { submit: { seconds: seconds * PARTS.submit, factor: 1 } });
  await run([status], { status: { seconds: seconds * PARTS.status, factor: 1 } });
  await run([submit, status], { both: { seconds: seconds * PARTS.both, factor: 1 } });
  const overload = { seconds: seconds * PARTS.overload, factor: goals.overloadFactor };
  const [submits, statuses] = await run([submit, status], {
    overload,
    recovery: { seconds: seconds * PARTS.recovery, factor: 1 },
  });
  const endMs = overload.seconds * 1000;
  const recovery = {
    submit: recoverySeconds(submits!.samples, endMs, goals.submit.p99Ms),
    status: recoverySeconds(statuses!.samples, endMs, goals.status.p99Ms),
  };
  return { phases, recovery };
}

/** What the `openai` client sends: JSON here, and the retry count, which costs a note in the store. */
function submitStream(perSecond: number, ids: string[]): Stream {
  return {
    name: 'submit',
    perSecond,
    request: n => {
      const body = JSON.stringify({ prompt: `a red circle number ${n} moving over a green background`, seed: n });
      return `POST /v1/videos HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-stainless-retry-count: 0\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    },
    onAnswer: (outcome, text) => {
      if (outcome !== 200) return;
      const id = /"id":"(video_\w+)"/.exec(text)?.[1];
      // A clip is asked after while it is young.
      if (id !== undefined && ids.push(id) > 2 * JOBS_AHEAD) ids.splice(0, JOBS_AHEAD);
    },
  };
}

function statusStream(perSecond: number, ids: readonly string[], random: () => number): Stream {
  return {
    name: 'status',
    perSecond,
    request: () => `GET /v1/videos/${ids[Math.floor(random() * ids.length)]} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
  };
}

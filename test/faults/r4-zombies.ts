/**
 * R4: workers are stopped (SIGSTOP, supervisor and render child) in the first attempt of a job, most of them as they are about to commit,
 * for longer than the lease. Other workers see an unchanged version for a lease of their own monotonic time and take over. Then SIGCONT:
 * half of the zombies go on as soon as the follower has the job, half when the follower has ended it. Each must be refused and say so.
 *
 * Beside that, one of the other workers is stopped for a lease and a half every few seconds, at any moment, be it in the middle of a
 * database transaction. Such a stop need not cost it a job, so its refusals are not counted; the history must be as clean.
 *
 * The lease is 1 s and sweepers look every 150 ms instead of every 5 s, to fit a thousand leases into minutes.
 */
import { type Crew, startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { judge } from './judge.ts';
import { newLines } from './lines.ts';
import { all, none, type Result } from './result.ts';
import type { Stage } from './stage.ts';
import type { Sprung, WorkerSetup } from './worker-setup.ts';

const MOST_ZOMBIES = 6;
const TAKERS = 2;
const STEPS = 12;
/** Where they stop: five of nine as the commit is about to be sent, the others on the way there. */
const POINTS = [
  ...Array.from({ length: 5 }, () => 'commit'),
  'step:7',
  'put:checkpoint',
  'put:video.mp4',
  'stored:receipt.json',
];

export async function runZombies(stage: Stage, scale: number): Promise<Result> {
  const wanted = Math.max(9, Math.round(1_000 * scale));
  const size = wanted < 50 ? 3 : MOST_ZOMBIES;
  const modelsFolder = await stage.models({ blocks: 30 });
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  const file = stage.path('traps.jsonl');
  const checkpointCadence = { everySteps: 4, everyMs: 0 };
  const setup = { dataFolder: data.folder, modelsFolder, leaseSeconds: 1, checkpointCadence };
  const trap = { points: POINTS, attempt: 1, signal: 'SIGSTOP', file } as const;
  const [zombies, takers] = await Promise.all([
    startCrew(size, { ...setup, faults: { trap, sweepEveryMs: 150 } }),
    startCrew(TAKERS, { ...setup, faults: { sweepEveryMs: 150 } } satisfies WorkerSetup),
  ]);
  const enough = new AbortController();
  const anywhere = stopAnywhere(stage, takers, enough.signal);
  anywhere.catch(() => undefined); // told below, unless the zombies fail first
  const stopped = await stopAndResume(stage, data, zombies, { wanted, size, file });
  enough.abort();
  const stoppedAnywhere = await anywhere;
  stage.note(() => 'all have gone on, working off the rest');
  await data.ended(stage, 120_000);
  await Promise.all([zombies.stop(), takers.stop()]);
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, []);
  const { stale, refused } = sortOut(history, stopped);
  return {
    id: 'R4',
    title: `${stopped.length} zombies of ${size + TAKERS} workers, lease 1 s, stopped for longer`,
    goals: [
      none('stale commits', stale),
      all('refusals logged', refused, stopped.length),
      none('lost', verdict.lost),
      all('completed', verdict.completed, history.jobs.length),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none('ends not told', verdict.untold),
      none('files left over', [...verdict.leftovers, ...history.scratch]),
    ],
    figures: {
      jobs: history.jobs.length,
      stoppedAnywhere,
      byPoint: Object.fromEntries([...Map.groupBy(stopped, zombie => zombie.point)].map(([p, z]) => [p, z.length])),
      mostAttempts: Math.max(...history.jobs.map(job => job.attempt)),
      mostFailures: Math.max(...history.jobs.map(job => job.failures)),
      repeatedEvents: verdict.repeatedEvents,
    },
  };
}

interface Stopping {
  readonly wanted: number;
  /** Workers that can become zombies. */
  readonly size: number;
  readonly file: string;
}

/** Feeds jobs one by one until so many workers were stopped, and wakes each when its time has come. */
async function stopAndResume(stage: Stage, data: DataFolder, zombies: Crew, { wanted, size, file }: Stopping) {
  const fresh = newLines<Sprung>(file);
  const stopped: Sprung[] = [];
  const asleep = new Map<Sprung, { readonly late: boolean }>();
  stage.note(() => `${stopped.length} of ${wanted} zombies, ${asleep.size} asleep`);
  while (stopped.length < wanted || asleep.size > 0) {
    for (const zombie of fresh()) {
      stopped.push(zombie);
      asleep.set(zombie, { late: stage.int(2) === 0 });
    }
    for (const [zombie, { late }] of asleep) {
      const job = await data.job(zombie.jobId);
      if (job.attempt === zombie.attempt || (late && job.completedAtMs === null)) continue;
      zombies.workers.find(worker => worker.pid === zombie.pid)!.signalGroup('SIGCONT');
      asleep.delete(zombie);
    }
    const busy = (await data.active()) >= size - asleep.size;
    if (stopped.length < wanted && !busy) await data.submit({ seed: stage.int(20), num_inference_steps: STEPS });
    await stage.sleep(15);
  }
  return stopped;
}

/** One at a time: the other takes over. How many were stopped. */
async function stopAnywhere(stage: Stage, { workers }: Crew, enough: AbortSignal): Promise<number> {
  for (let count = 0; ; count++) {
    await stage.sleep(500 + stage.int(3_000));
    if (enough.aborted) return count;
    const worker = stage.pick(workers);
    worker.signalGroup('SIGSTOP');
    await stage.sleep(1_500);
    worker.signalGroup('SIGCONT');
  }
}

/** A zombie that ended its job after all, and how many said that they were refused. */
function sortOut({ jobs, log }: History, zombies: readonly Sprung[]) {
  const nameOf = (line: { jobId?: string; attempt?: number }) => `${line.jobId}/${line.attempt}`;
  const lost = new Set(log.filter(line => line.code === 'lease_lost').map(nameOf));
  const completed = new Set(log.filter(line => line.message === 'job completed').map(nameOf));
  const endedBy = new Map(jobs.map(job => [job.id, job.attempt]));
  const stale = zombies.filter(zombie => completed.has(nameOf(zombie)) || endedBy.get(zombie.jobId) === zombie.attempt);
  return { stale: stale.map(nameOf), refused: zombies.filter(zombie => lost.has(nameOf(zombie))).length };
}

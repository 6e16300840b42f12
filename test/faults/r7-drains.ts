/**
 * R7: workers get SIGTERM in mid-step; every second time the render child gets it too, as Ctrl-C and some service managers do it. A drain
 * counts when the record showed at least one step done and the job was not over by the time of the exit. Each must exit with 0, and the
 * next attempt must begin at the very step the drain kept.
 */
import type { Job } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import { startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { judge } from './judge.ts';
import { type OwnProcess, startWorker } from './processes.ts';
import { all, none, percentile, type Result, round, within } from './result.ts';
import type { Stage } from './stage.ts';
import type { WorkerSetup } from './worker-setup.ts';

const STEPS = 50;

export async function runDrains(stage: Stage, scale: number): Promise<Result> {
  const wanted = Math.max(4, Math.round(500 * scale));
  const lanes = Math.min(3, wanted);
  const modelsFolder = await stage.models({ blocks: 300 }); // some 9 ms a step
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  // No checkpoint but that of the drain: what is resumed from is its own.
  const checkpointCadence = { everySteps: 0, everyMs: 0 };
  const setup = { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence };
  const drains: Drain[] = [];
  stage.note(() => `${drains.length} of ${wanted} drains`);
  await Promise.all(Array.from({ length: lanes }, () => lane(stage, data, setup, drains, wanted)));
  const crew = await startCrew(2, setup);
  await data.ended(stage, 300_000);
  await crew.stop();
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, []);
  const exitMs = drains.map(drain => drain.ms);
  return {
    id: 'R7',
    title: `${drains.length} SIGTERM in mid-step, ${lanes} workers, ${STEPS} steps of some 9 ms`,
    goals: [
      within('exit p99', percentile(exitMs, 0.99) / 1000, 10, 's'),
      all('exits with 0', drains.filter(drain => drain.exit === 0).length, drains.length),
      all('resumed from the step of the drain', resumed(history, drains), drains.length),
      none('lost', verdict.lost),
      all('completed', verdict.completed, history.jobs.length),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none(
        'failures counted',
        history.jobs.filter(job => job.failures > 0).map(job => job.id),
      ),
      none('files left over', [...verdict.leftovers, ...history.scratch]),
    ],
    figures: {
      exitMs: {
        p50: round(percentile(exitMs, 0.5)),
        p99: round(percentile(exitMs, 0.99)),
        most: round(Math.max(...exitMs)),
      },
      jobs: history.jobs.length,
      mostAttempts: Math.max(...history.jobs.map(job => job.attempt)),
    },
  };
}

interface Drain {
  readonly jobId: string;
  readonly attempt: number;
  /** From the signal to the exit. */
  readonly ms: number;
  readonly exit: number | NodeJS.Signals;
}

/** One worker after the other, each drained in the middle of a job; a job that was over by then is not counted. */
async function lane(
  stage: Stage,
  data: DataFolder,
  setup: WorkerSetup,
  drains: Drain[],
  wanted: number,
): Promise<void> {
  for (let n = 0; drains.length < wanted; n++) {
    if ((await data.active()) < 4) await data.submit({ seed: stage.int(10), num_inference_steps: STEPS });
    const worker = startWorker(setup);
    const job = await stage.until(
      'a job at its steps',
      async () => (await data.heldBy(worker)).find(isAtItsSteps),
      60_000,
      5,
    );
    await stage.sleep(stage.int(120));
    const sentMs = performance.now();
    if (n % 2 === 0) worker.signal('SIGTERM');
    else worker.signalGroup('SIGTERM');
    const exit = await Promise.race([worker.exited, killLate(stage, worker)]);
    const ms = performance.now() - sentMs;
    const { status, attempt } = await data.job(job.id);
    const isOver = status === 'completed' && attempt === job.attempt;
    if (!isOver && drains.length < wanted) drains.push({ jobId: job.id, attempt: job.attempt, ms, exit });
  }
}

/** A drain may take limits.drainSeconds; one that hangs must not hang the run, and ends with a signal for an exit code. */
async function killLate(stage: Stage, worker: OwnProcess): Promise<number | NodeJS.Signals> {
  await stage.sleep((limits.drainSeconds + 10) * 1000);
  worker.signalGroup('SIGKILL');
  return worker.exited;
}

function isAtItsSteps({ progress }: Job): boolean {
  return progress?.phase === 'denoising' && progress.step > 0;
}

/** Drains whose log line has a step, where the job's next attempt began. */
function resumed({ log }: History, drains: readonly Drain[]): number {
  const kept = new Map(
    log.filter(line => line.code === 'drained').map(line => [`${line.jobId}/${line.attempt}`, line.step]),
  );
  const began = new Map(
    log.filter(line => line.message === 'job started').map(line => [`${line.jobId}/${line.attempt}`, line.from]),
  );
  return drains.filter(({ jobId, attempt }) => {
    const step = kept.get(`${jobId}/${attempt}`) ?? 0;
    return step > 0 && began.get(`${jobId}/${attempt + 1}`) === step;
  }).length;
}

/**
 * A job that is cancelled never completes, and its renderer is free at once. Most cancels come while the worker stands at a given point of
 * the job: it stops itself there (SIGSTOP), the cancel is written, it goes on (SIGCONT), so that each point is hit exactly. Others come to
 * queued jobs, to one whose model still loads, and in the middle of a slow upload.
 */
import type { Job } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { judge } from './judge.ts';
import { newLines } from './lines.ts';
import { startWorker, stopAll } from './processes.ts';
import { all, median, none, type Result, round, within } from './result.ts';
import type { Stage } from './stage.ts';
import type { Sprung, WorkerSetup } from './worker-setup.ts';

const STEPS = 12;
const POINTS = [
  'phase:encoding_prompt',
  ...Array.from({ length: STEPS }, (_, step) => `step:${step + 1}`),
  'put:checkpoint',
  'stored:checkpoint',
  'phase:decoding',
  'phase:encoding_video',
  'phase:marking',
  ...['video.mp4', 'thumbnail.webp', 'spritesheet.jpg', 'receipt.json'].flatMap(file => [
    `put:${file}`,
    `stored:${file}`,
  ]),
  'commit',
];

interface Cancelled {
  readonly jobId: string;
  readonly point: string;
  readonly askedMs: number;
}

export async function runCancels(stage: Stage, scale: number): Promise<Result> {
  const rounds = Math.max(1, Math.round(10 * scale));
  const stride = Math.max(1, Math.round(0.2 / scale));
  const points = POINTS.filter((_, i) => i % stride === 0);
  const modelsFolder = await stage.models('reelay-mini');
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  const checkpointCadence = { everySteps: 4, everyMs: 0 };
  const setup = { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence };
  const cancelled: Cancelled[] = [];
  stage.note(() => `${cancelled.length} cancels`);
  const submit = () => data.submit({ num_inference_steps: STEPS, seed: stage.int(5) });

  await cancelQueued(data, submit, cancelled);
  for (let n = 0; n < rounds; n++) await cancelLoading(stage, data, setup, submit, cancelled);
  await cancelAtPoints(stage, data, { setup, points, count: rounds * points.length }, submit, cancelled);
  await cancelUploading(stage, data, setup, submit, { cancelled, count: rounds });
  const undisturbed = await finishOne(stage, data, setup, submit);
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, []);
  const freeMs = timesToFree(history, cancelled);
  const stepMs = (undisturbed.completedAtMs! - undisturbed.startedAtMs!) / STEPS;
  return {
    id: 'cancel',
    title: `${cancelled.length} cancels: queued, loading, at ${points.length} points of a job, while uploading`,
    goals: [
      all('cancelled for good', verdict.cancelled, cancelled.length),
      none('completed after the cancel', verdict.completed - 1),
      none('double commits', verdict.doubleCommits),
      none('ends not told', verdict.untold),
      none('files left over', [...verdict.leftovers, ...history.scratch]),
      all('seen by the worker', freeMs.length, cancelled.filter(({ point }) => point !== 'queued').length),
      // The record is looked at every 100 ms, then the run of a network that is under way ends: mostly a step, at the end the decoder.
      within('renderer free after, median,', median(freeMs), round(limits.localProgressEveryMs + 2 * stepMs), 'ms'),
      within('at most', Math.max(...freeMs), limits.cancelGraceMs, 'ms'),
    ],
    figures: { freeMs: { p50: round(median(freeMs)), most: Math.max(...freeMs) }, stepMs: round(stepMs), points },
  };
}

async function cancelQueued(data: DataFolder, submit: () => Promise<Job>, cancelled: Cancelled[]): Promise<void> {
  const { id } = await submit();
  await data.cancel(id);
  cancelled.push({ jobId: id, point: 'queued', askedMs: Date.now() });
}

/** A fresh worker leases at once, while its child still loads the model. */
async function cancelLoading(
  stage: Stage,
  data: DataFolder,
  setup: WorkerSetup,
  submit: () => Promise<Job>,
  cancelled: Cancelled[],
): Promise<void> {
  const { id } = await submit();
  const worker = startWorker(setup);
  await stage.until('the lease', async () => ((await data.heldBy(worker)).length > 0 ? true : undefined), 60_000, 2);
  await data.cancel(id);
  cancelled.push({ jobId: id, point: 'loading', askedMs: Date.now() });
  await data.ended(stage, 60_000);
  await stopAll([worker]);
}

async function cancelAtPoints(
  stage: Stage,
  data: DataFolder,
  { setup, points, count }: { setup: WorkerSetup; points: readonly string[]; count: number },
  submit: () => Promise<Job>,
  cancelled: Cancelled[],
): Promise<void> {
  const file = stage.path('traps.jsonl');
  const worker = startWorker({ ...setup, faults: { trap: { points, attempt: 1, signal: 'SIGSTOP', file } } });
  const sprung = newLines<Sprung>(file);
  for (let n = 0; n < count; n++) {
    const { id } = await submit();
    const { point } = await stage.until(`job ${n} to reach its point`, () => sprung()[0], 60_000, 2);
    await data.cancel(id);
    await stage.sleep(60); // longer than the trap waits for its own signal: the worker does stand still
    cancelled.push({ jobId: id, point, askedMs: Date.now() });
    worker.signalGroup('SIGCONT');
    await data.ended(stage, 60_000);
  }
  await stopAll([worker]);
}

/** Each of the three files takes a second: the cancel comes somewhere among them. */
async function cancelUploading(
  stage: Stage,
  data: DataFolder,
  setup: WorkerSetup,
  submit: () => Promise<Job>,
  { cancelled, count }: { cancelled: Cancelled[]; count: number },
): Promise<void> {
  const cadence = { everySteps: 0, everyMs: 0 };
  const slow = { storeMs: 0, blobsMs: 500 };
  const worker = startWorker({ ...setup, checkpointCadence: cadence, faults: { slow } });
  for (let n = 0; n < count; n++) {
    const { id } = await submit();
    const isCommitting = async () => ((await data.job(id)).progress?.phase === 'committing' ? true : undefined);
    await stage.until('the upload', isCommitting, 60_000, 5);
    await stage.sleep(stage.int(1_500));
    await data.cancel(id);
    cancelled.push({ jobId: id, point: 'uploading', askedMs: Date.now() });
    await data.ended(stage, 60_000);
  }
  await stopAll([worker]);
}

async function finishOne(stage: Stage, data: DataFolder, setup: WorkerSetup, submit: () => Promise<Job>): Promise<Job> {
  const worker = startWorker(setup);
  await stage.sleep(limits.cancelGraceMs); // whatever was left of the cancelled ones would show by now
  const { id } = await submit();
  await data.ended(stage, 60_000);
  await stopAll([worker]);
  return data.job(id);
}

/** From the cancel to the worker's line that it has stopped, with the renderer back. An upload under way is not the renderer's. */
function timesToFree({ log }: History, cancelled: readonly Cancelled[]): number[] {
  const stopped = new Map(
    log.filter(line => line.code === 'cancelled').map(line => [line.jobId, Date.parse(line.time)]),
  );
  return cancelled
    .filter(({ jobId }) => stopped.has(jobId))
    .map(({ jobId, point, askedMs }) => (point === 'uploading' ? 0 : Math.max(0, stopped.get(jobId)! - askedMs)));
}

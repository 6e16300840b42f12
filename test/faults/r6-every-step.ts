/**
 * R6: a job is killed (SIGKILL, supervisor and render child) as it reports each of its steps in turn, and at every other point where its
 * worker touches the outside. Each time another worker goes on from the last checkpoint that was stored. The video must have the same
 * hash as that of the undisturbed run.
 *
 * Worker n finishes the job that worker n - 1 died on, then dies on the next one.
 */
import type { Job } from '#core/job.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { countRedone, judge } from './judge.ts';
import { startWorker, stopAll } from './processes.ts';
import { all, median, none, type Result, round } from './result.ts';
import type { Stage } from './stage.ts';
import type { WorkerSetup } from './worker-setup.ts';

interface Subject {
  readonly model: 'reelay-mini' | 'fast';
  readonly steps: number;
  /** Every so many steps of the full figure are killed at. */
  readonly stride: number;
  /** 1: the state after every step is resumed from; more: steps are done again. */
  readonly everySteps: number;
}

/** Everything but the steps. */
const POINTS = [
  'phase:encoding_prompt',
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
  'committed',
  'event',
  'published',
  'ack',
];

export async function runEveryStep(stage: Stage, scale: number): Promise<Result> {
  const stride = Math.max(1, Math.round(1 / Math.min(1, scale)));
  const subjects: readonly Subject[] = [
    { model: 'reelay-mini', steps: 12, stride, everySteps: 1 },
    { model: 'fast', steps: 50, stride, everySteps: 1 },
    ...(scale < 1 ? [] : [{ model: 'fast', steps: 50, stride, everySteps: 10 } as const]),
  ];
  const found: Awaited<ReturnType<typeof killAtEach>>[] = [];
  for (const [n, subject] of subjects.entries()) found.push(await killAtEach(stage, n, subject));
  const sum = (count: (one: (typeof found)[number]) => number) => found.reduce((total, one) => total + count(one), 0);
  const kills = sum(one => one.kills);
  return {
    id: 'R6',
    title: `kill -9 at ${kills} points of jobs: ${subjects.map(s => `${s.model} at ${s.steps} steps, checkpoint every ${s.everySteps}`).join('; ')}`,
    goals: [
      all(
        'same frames as undisturbed',
        sum(one => one.same),
        kills,
      ),
      none(
        'lost',
        found.flatMap(one => one.verdict.lost),
      ),
      none(
        'double commits',
        found.flatMap(one => one.verdict.doubleCommits),
      ),
      none(
        'bad hashes',
        found.flatMap(one => one.verdict.badHashes),
      ),
      none(
        'ends not told',
        found.flatMap(one => one.verdict.untold),
      ),
      none(
        'files left over',
        found.flatMap(one => [...one.verdict.leftovers, ...one.scratch]),
      ),
    ],
    figures: {
      subjects: found.map(({ subject, redone, lostSteps, untilKilledMs }) => ({
        ...subject,
        redone,
        lostSteps,
        untilKilledMs,
      })),
    },
  };
}

async function killAtEach(stage: Stage, n: number, subject: Subject) {
  const { model, steps, stride, everySteps } = subject;
  const modelsFolder = await stage.models(model === 'fast' ? { blocks: 60 } : model);
  const data = await openDataFolder(stage.path(`data-${n}`), modelsFolder);
  const checkpointCadence = { everySteps, everyMs: 0 };
  const setup: WorkerSetup = { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence };
  const submit = () =>
    data.submit({ prompt: 'a red circle bouncing over a dark blue background', num_inference_steps: steps });

  const undisturbed = await submit();
  await finish(stage, data, setup);
  const atSteps = Array.from({ length: steps }, (_, step) => `step:${step + 1}`);
  const points = [...atSteps, ...POINTS].filter((_, i) => i % stride === 0);
  const killed: { job: Job; point: string }[] = [];
  let untilKilledMs = 0;
  stage.note(() => `${model}: ${killed.length} of ${points.length} points`);
  for (const point of points) {
    const job = await submit();
    const trap = { points: [point], attempt: 1, signal: 'SIGKILL', file: stage.path(`traps-${n}.jsonl`) } as const;
    const startedMs = performance.now();
    const worker = startWorker({ ...setup, faults: { trap } });
    const how = await Promise.race([worker.exited, stage.sleep(60_000)]);
    if (how !== 'SIGKILL')
      throw new Error(`the worker did not die at ${point} but ended with ${how}: ${worker.output()}`);
    untilKilledMs += (performance.now() - startedMs) / points.length;
    killed.push({ job, point });
  }
  await finish(stage, data, setup);
  data.close();
  const history = await readHistory(data.folder);
  return {
    subject,
    untilKilledMs: round(untilKilledMs),
    kills: killed.length,
    ...compare(history, undisturbed.id, killed),
  };
}

/** A worker that nothing happens to works off what there is. */
async function finish(stage: Stage, data: DataFolder, setup: WorkerSetup): Promise<void> {
  const worker = startWorker(setup);
  await worker.said(/^working/m); // by then it has cleared up after the dead, also where no job is left
  await data.ended(stage, 120_000);
  await stopAll([worker]);
}

function compare(history: History, undisturbedId: string, killed: readonly { job: Job; point: string }[]) {
  const shaOf = new Map(history.jobs.map(job => [job.id, job.marking?.framesSha256]));
  const expected = shaOf.get(undisturbedId);
  const from = new Map(
    history.log
      .filter(line => line.message === 'job started' && line.attempt === 2)
      .map(line => [line.jobId, line.from!]),
  );
  const lost = killed.flatMap(({ job, point }) => {
    const step = Number(/^step:(\d+)/.exec(point)?.[1]);
    return Number.isNaN(step) ? [] : [step - (from.get(job.id) ?? 0)];
  });
  return {
    same: killed.filter(({ job }) => expected !== undefined && shaOf.get(job.id) === expected).length,
    /** Of those killed at a step: how far behind it the follower began. */
    lostSteps: { median: median(lost), most: Math.max(0, ...lost) },
    verdict: judge(history, [undisturbedId, ...killed.map(({ job }) => job.id)]),
    scratch: history.scratch,
    redone: countRedone(history),
  };
}

/**
 * R1: workers are killed with SIGKILL, four of five times supervisor and render child at once, the fifth time the supervisor alone, whose
 * child must then end by itself, while they work off many short jobs. Kill k comes when
 * k / kills of the jobs are done, so the kills are spread over the run however fast the machine is; which worker, and when within a
 * quarter of a second, is chance.
 */
import { type Crew, startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { readHistory } from './history.ts';
import { countRedone, judge } from './judge.ts';
import type { OwnProcess } from './processes.ts';
import { all, atMost, none, type Result, round } from './result.ts';
import type { Stage } from './stage.ts';

const WORKERS = 4;
const STEPS = 20;
/** Equal requests must give equal bytes: so many different ones, each many times. */
const REQUESTS = 20;

export async function runWorkerKills(stage: Stage, scale: number): Promise<Result> {
  const jobs = Math.max(40, Math.round(5_000 * scale));
  const kills = Math.max(4, Math.round(500 * scale));
  const modelsFolder = await stage.models({ blocks: 120 }); // some 4 ms a step: most kills find a worker at its steps
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  const accepted: string[] = [];
  for (let n = 0; n < jobs; n++)
    accepted.push((await data.submit({ seed: n % REQUESTS, num_inference_steps: STEPS })).id);
  const checkpointCadence = { everySteps: 5, everyMs: 0 };
  const crew = await startCrew(WORKERS, { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence });
  const seen = await killBetween(stage, data, crew, { jobs, kills });
  stage.note(() => 'all kills done, working off the rest');
  await data.ended(stage, 600_000);
  const exits = await crew.stop();
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, accepted);
  const redone = countRedone(history, seen.progress);
  return {
    id: 'R1',
    title: `${kills} kill -9 of ${WORKERS} workers over ${jobs} jobs of ${STEPS} steps, ${seen.progress.size} of them in mid-job`,
    goals: [
      none('lost', verdict.lost),
      all('completed', verdict.completed, jobs),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none('ends not told', verdict.untold),
      none('files left over', [...verdict.leftovers, ...history.scratch]),
      atMost('redone steps, upper bound,', (100 * redone.atMost) / redone.steps, 15, '%'),
    ],
    figures: {
      kills: seen.kills,
      killsInMidJob: seen.progress.size,
      redone,
      redoneAtLeastPercent: round((100 * redone.atLeast) / redone.steps),
      repeatedEvents: verdict.repeatedEvents,
      tornLogLines: history.tornLogLines,
      messagesLeft: history.messages,
      drainExits: exits,
      mostAttempts: Math.max(...history.jobs.map(job => job.attempt)),
    },
  };
}

interface Killing {
  readonly jobs: number;
  readonly kills: number;
}

/** The progress on record of each attempt that was killed, by `jobId/attempt`. */
async function killBetween(stage: Stage, data: DataFolder, crew: Crew, { jobs, kills }: Killing) {
  const progress = new Map<string, number>();
  let done = 0;
  stage.note(() => `${done} of ${kills} kills`);
  for (; done < kills; done++) {
    // The last kills come before the last jobs, so that there is something to kill.
    const left = jobs - Math.floor((done * jobs * 0.95) / kills);
    await stage.until(
      'enough jobs to be done',
      async () => ((await data.active()) <= left ? true : undefined),
      300_000,
    );
    await stage.sleep(stage.int(250));
    const victim = await chooseVictim(stage, data, crew);
    await crew.replace(victim, done % 5 === 4 ? 'alone' : undefined);
    for (const job of await data.heldBy(victim)) progress.set(`${job.id}/${job.attempt}`, reachedStep(job.progress));
    if (done % 5 === 4)
      await stage.until('the child to follow', () => (victim.groupAlive() ? undefined : true), 10_000);
  }
  return { kills: done, progress };
}

/** Nine times of ten one that has a job, the tenth time any: those that start or look for work die too. */
async function chooseVictim(stage: Stage, data: DataFolder, crew: Crew): Promise<OwnProcess> {
  const held = await Promise.all(crew.workers.map(worker => data.heldBy(worker)));
  const busy = crew.workers.filter((_, i) => held[i]!.length > 0);
  return stage.pick(busy.length > 0 && stage.int(10) > 0 ? busy : crew.workers);
}

/** By what the record said last: a child that was decoding has done all its steps. */
function reachedStep(progress: { phase: string; step: number } | null): number {
  if (progress === null || ['loading', 'encoding_prompt'].includes(progress.phase)) return 0;
  return progress.phase === 'denoising' ? progress.step : STEPS;
}

/**
 * R9: one job in a hundred is poison, on the real render child (poisoned-render.ts): a third each ends the child as it starts, kills it in
 * the middle of its steps, or renders to the end and fails. Each must be given up after exactly three failures, with the reason on the job
 * and one letter on the dead letter queue, and must not hold up the rest. Then the poison is cured and the letters are redriven.
 */
import { writeFileSync } from 'node:fs';
import type { Job } from '#core/job.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { limits } from '#core/limits.ts';
import { type Crew, startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type History, readHistory } from './history.ts';
import { judge } from './judge.ts';
import { all, none, type Result } from './result.ts';
import type { Stage } from './stage.ts';

const WORKERS = 2;
const STEPS = 4;
/** What a job that the poison ended says why. */
const REASONS = { dies: 'renderer_lost', kills: 'renderer_lost', fails: 'render_failed' } as const;
const KINDS = Object.keys(REASONS) as (keyof typeof REASONS)[];

export async function runPoison(stage: Stage, scale: number): Promise<Result> {
  const jobs = Math.max(60, Math.round(10_000 * scale));
  const poisonous = Math.max(3, Math.round(jobs / 100));
  const modelsFolder = await stage.models({ blocks: 30 });
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  const poison = new Map<string, keyof typeof REASONS>();
  const healthy: string[] = [];
  const every = Math.floor(jobs / poisonous);
  for (let n = 0; n < jobs; n++) {
    const kind = n % every === 0 && poison.size < poisonous ? KINDS[poison.size % KINDS.length] : undefined;
    const prompt = kind === undefined ? 'a red circle' : `poison ${kind}`;
    const { id } = await data.submit({ prompt, seed: n % 20, num_inference_steps: STEPS });
    if (kind === undefined) healthy.push(id);
    else poison.set(id, kind);
  }
  const cured = stage.path('cured');
  const crew = await startCrew(WORKERS, {
    dataFolder: data.folder,
    modelsFolder,
    leaseSeconds: 3,
    checkpointCadence: { everySteps: 2, everyMs: 0 },
    faults: { poisonUntil: cured },
  });
  const redriven = await workAndRedrive(stage, data, crew, cured);
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, [...healthy, ...poison.keys()]);
  const byId = new Map(history.jobs.map(job => [job.id, job]));
  const isCompleted = (id: string) => byId.get(id)?.status === 'completed';
  return {
    id: 'R9',
    title: `${poison.size} poisonous of ${jobs} jobs, ${WORKERS} workers`,
    goals: [
      all('dead after exactly 3 failures, reason on the job', wellDead(byId, poison), poison.size),
      all('on the dead letter queue with their reason, once', redriven.letters(poison), poison.size),
      all('of the rest completed', healthy.filter(isCompleted).length, healthy.length),
      all(
        'redriven into new jobs that completed',
        redriven.jobs.filter(job => isCompleted(job.id)).length,
        poison.size,
      ),
      none('letters left', [...history.letters, ...redriven.again]),
      none('lost', verdict.lost),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none('ends not told', verdict.untold),
      none('files left over', [...verdict.leftovers, ...history.scratch]),
    ],
    figures: { attemptsOfPoison: attemptsOf(history, poison), repeatedEvents: verdict.repeatedEvents },
  };
}

/** To the end of all jobs; then the cure, one job for each letter, and to their end. A second redrive finds nothing. */
async function workAndRedrive(stage: Stage, data: DataFolder, crew: Crew, cured: string) {
  let text = 'working';
  let left = 0;
  stage.note(() => `${text}, ${left} jobs left`);
  const watching = setInterval(async () => {
    left = await data.active().catch(() => left);
  }, 5_000);
  try {
    await data.ended(stage, 3_600_000);
    const letters = await data.ports.deadLetters.peek(10_000);
    writeFileSync(cured, '');
    text = 'redriving';
    const options = { limit: 10_000, pace: async () => stage.over.throwIfAborted() };
    const { jobs, dropped } = await redrive(data.ports, options);
    const again = await redrive(data.ports, options);
    await data.ended(stage, 600_000);
    await crew.stop();
    return {
      jobs: [...jobs].filter(([old, job]) => job.redriveOf === old).map(([, job]) => job),
      again: [...again.jobs.keys(), ...dropped.keys()],
      letters: (poison: ReadonlyMap<string, keyof typeof REASONS>) =>
        [...poison].filter(([id, kind]) => {
          const about = letters.filter(letter => letter.jobId === id);
          return about.length === 1 && about[0]!.reason === REASONS[kind];
        }).length,
    };
  } finally {
    clearInterval(watching);
  }
}

type Poison = ReadonlyMap<string, keyof typeof REASONS>;

function wellDead(byId: ReadonlyMap<string, Job>, poison: Poison): number {
  return [...poison].filter(([id, kind]) => {
    const job = byId.get(id);
    return job?.status === 'failed' && job.failures === limits.maxFailures && job.error?.code === REASONS[kind];
  }).length;
}

/** How many attempts each kind of poison took: `{ dies: [3] }`, where every one took three. */
function attemptsOf({ jobs }: History, poison: Poison) {
  const counts: Record<string, number[]> = {};
  for (const { id, attempt } of jobs) {
    const kind = poison.get(id);
    if (kind === undefined) continue;
    counts[kind] = [...new Set([...(counts[kind] ?? []), attempt])];
  }
  return counts;
}

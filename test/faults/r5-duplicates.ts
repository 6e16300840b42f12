/** R5 on real processes: every message is there five times, and three workers receive at once. The simulation has the other orders. */
import { startCrew } from './crew.ts';
import { openDataFolder } from './data-folder.ts';
import { readHistory } from './history.ts';
import { judge } from './judge.ts';
import { all, atMost, none, type Result } from './result.ts';
import type { Stage } from './stage.ts';

const COPIES = 5;
const WORKERS = 3;
const STEPS = 4;

export async function runDuplicates(stage: Stage, scale: number): Promise<Result> {
  const jobs = Math.max(20, Math.round(1_000 * scale));
  const modelsFolder = await stage.models({ blocks: 30 });
  const data = await openDataFolder(stage.path('data'), modelsFolder);
  const accepted: string[] = [];
  for (let n = 0; n < jobs; n++) {
    const { id } = await data.submit({ seed: n % 20, num_inference_steps: STEPS });
    accepted.push(id);
    for (let copy = 1; copy < COPIES; copy++) await data.ports.queue.send({ v: 1, jobId: id });
  }
  const checkpointCadence = { everySteps: 10, everyMs: 0 };
  const crew = await startCrew(WORKERS, { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence });
  stage.note(() => `${jobs} jobs with ${jobs * COPIES} messages`);
  await data.ended(stage, 1_200_000);
  // Every copy is looked at, and those about jobs that are over are acked.
  await stage.until('an empty queue', async () => ((await data.ports.queue.depth()) === 0 ? true : undefined), 120_000);
  await crew.stop();
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, accepted);
  const starts = history.log.filter(line => line.message === 'job started').length;
  return {
    id: 'R5',
    title: `${jobs} jobs, each message ${COPIES} times, ${WORKERS} workers`,
    goals: [
      none('lost', verdict.lost),
      all('completed', verdict.completed, jobs),
      none('double commits', verdict.doubleCommits),
      none('extra outputs', verdict.leftovers),
      // All attempts do all steps here, so this share of attempts is the share of steps.
      atMost('extra steps', (100 * (starts - jobs)) / jobs, 1, '%'),
      none('bad hashes', verdict.badHashes),
      none('messages left', history.messages),
    ],
    figures: { repeatedEvents: verdict.repeatedEvents },
  };
}

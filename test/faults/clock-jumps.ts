/**
 * The wall clock of the machine jumps, for all its processes at once, by up to ten minutes in either direction several times a second.
 * Leases are judged by clocks that never jump, so none is lost, no job fails, and everything is done soon after the last jump. That
 * one sets the clock twenty minutes back, while some jobs wait for their second try: what was to wait two seconds must not wait for
 * the clock to come there again.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { jumpingClock } from './faulty-worker.ts';
import { readHistory } from './history.ts';
import { judge } from './judge.ts';
import { all, atMost, none, type Result } from './result.ts';
import type { Stage } from './stage.ts';

const MOST_MS = 600_000;
const STEPS = 20;

export async function runClockJumps(stage: Stage, scale: number): Promise<Result> {
  const jobs = Math.max(30, Math.round(1_000 * scale));
  const clockFile = stage.path('clock');
  const jump = (ms: number) => {
    writeFileSync(`${clockFile}.part`, String(ms));
    renameSync(`${clockFile}.part`, clockFile); // a reader never sees half a number
  };
  jump(MOST_MS);
  const cured = stage.path('cured');
  const modelsFolder = await stage.models({ blocks: 60 });
  const data = await openDataFolder(stage.path('data'), modelsFolder, jumpingClock(clockFile));
  const accepted: string[] = [];
  const crew = await startCrew(3, {
    dataFolder: data.folder,
    modelsFolder,
    leaseSeconds: 2,
    checkpointCadence: { everySteps: 5, everyMs: 0 },
    faults: { clockFile, poisonUntil: cured },
  });
  let jumps = 1;
  stage.note(() => `${jumps} jumps, ${accepted.length} of ${jobs} accepted`);
  while (accepted.length < jobs) {
    jump(stage.int(2 * MOST_MS) - MOST_MS);
    jumps++;
    for (let n = 0; n < 5 && accepted.length < jobs; n++)
      accepted.push((await data.submit({ seed: accepted.length % 10, num_inference_steps: STEPS })).id);
    await stage.sleep(150 + stage.int(300));
  }
  jump(MOST_MS);
  accepted.push(...(await failOnce(stage, data)));
  writeFileSync(cured, '');
  jump(-MOST_MS);
  const lastMs = performance.now();
  const inTime = await data.ended(stage, 60_000 + jobs * 100).then(
    () => true,
    () => false,
  );
  const afterMs = performance.now() - lastMs;
  const left = await data.active();
  await crew.stop();
  data.close();

  const history = await readHistory(data.folder);
  const verdict = judge(history, inTime ? accepted : []);
  return {
    id: 'clock',
    title: `${jumps + 1} jumps of the wall clock by up to ten minutes, ${accepted.length} jobs, 3 workers`,
    goals: [
      none('waiting long after the last jump', left),
      all('completed', verdict.completed, accepted.length),
      none('leases lost', history.log.filter(line => line.code === 'lease_lost').length),
      none('lost', verdict.lost),
      none('double commits', verdict.doubleCommits),
      none('bad hashes', verdict.badHashes),
      none('ends not told', inTime ? verdict.untold : []),
      // Half a minute, and what the jobs themselves may take.
      atMost('done after the last jump', afterMs / 1000, 30 + jobs * 0.1, 's'),
    ],
    figures: { mostAttempts: Math.max(...history.jobs.map(job => job.attempt)), messagesLeft: history.messages },
  };
}

/** Jobs whose render child died of them once; they are to be tried again after limits.retryDelaySeconds. */
async function failOnce(stage: Stage, data: DataFolder): Promise<readonly string[]> {
  const submits = Array.from({ length: 3 }, () => data.submit({ prompt: 'poison dies', priority: 'high' }));
  const ids = (await Promise.all(submits)).map(job => job.id);
  const haveFailed = async () => (await Promise.all(ids.map(id => data.job(id)))).every(job => job.failures > 0);
  await stage.until('the first failures', async () => ((await haveFailed()) ? true : undefined), 60_000);
  return ids;
}

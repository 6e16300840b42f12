/**
 * A store that answers slowly: every call of store and facts takes an eighth of the lease longer, every call of the blob store a quarter.
 * Jobs take longer; no lease is lost and nothing is done twice. At full scale also with a store slower than the lease: then leases are
 * lost, work is done twice or given up, and still nothing is committed twice.
 */
import { startCrew } from './crew.ts';
import { openDataFolder } from './data-folder.ts';
import { readHistory } from './history.ts';
import { judge, type Verdict } from './judge.ts';
import { all, none, type Result } from './result.ts';
import type { Stage } from './stage.ts';

const STEPS = 8;

export async function runSlowStore(stage: Stage, scale: number): Promise<Result> {
  const jobs = Math.max(4, Math.round(100 * scale));
  const { history, verdict } = await work(stage, 'slow', { jobs, leaseSeconds: 2, storeMs: 250, blobsMs: 500 });
  const others =
    scale < 1 ? [] : [await work(stage, 'slower', { jobs: 10, leaseSeconds: 1, storeMs: 1_200, blobsMs: 300 })];
  const both = (of: (one: Verdict) => readonly string[]) =>
    [verdict, ...others.map(other => other.verdict)].flatMap(of);
  const starts = history.log.filter(line => line.message === 'job started').length;
  return {
    id: 'slow',
    title: `${jobs} jobs on a store that takes 0.25 s a call, lease 2 s${others.length > 0 ? '; 10 on one slower than the lease' : ''}`,
    goals: [
      all('completed', verdict.completed, jobs),
      none('leases lost', history.log.filter(line => line.code === 'lease_lost').length),
      none('extra attempts', starts - jobs),
      none(
        'lost',
        both(one => one.lost),
      ),
      none(
        'double commits',
        both(one => one.doubleCommits),
      ),
      none(
        'bad hashes',
        both(one => one.badHashes),
      ),
      none(
        'ends not told',
        both(one => one.untold),
      ),
      none(
        'files left over',
        both(one => one.leftovers),
      ),
    ],
    figures: {
      slowerThanTheLease: others.map(other => ({
        completed: other.verdict.completed,
        failed: other.verdict.failed,
        leasesLost: other.history.log.filter(line => line.code === 'lease_lost').length,
      })),
    },
  };
}

interface Slowness {
  readonly jobs: number;
  readonly leaseSeconds: number;
  readonly storeMs: number;
  readonly blobsMs: number;
}

async function work(stage: Stage, name: string, { jobs, leaseSeconds, storeMs, blobsMs }: Slowness) {
  const modelsFolder = await stage.models({ blocks: 30 });
  const data = await openDataFolder(stage.path(name), modelsFolder);
  const accepted: string[] = [];
  for (let n = 0; n < jobs; n++) accepted.push((await data.submit({ seed: n % 5, num_inference_steps: STEPS })).id);
  const crew = await startCrew(2, {
    dataFolder: data.folder,
    modelsFolder,
    leaseSeconds,
    checkpointCadence: { everySteps: 0, everyMs: 0 },
    faults: { slow: { storeMs, blobsMs }, sweepEveryMs: 500 },
  });
  stage.note(() => `${name}: ${jobs} jobs`);
  await data.ended(stage, 600_000);
  await crew.stop();
  data.close();
  const history = await readHistory(data.folder);
  return { history, verdict: judge(history, accepted) };
}

/**
 * R11: the disk fails at a hundred points. Three quarters are steps of a worker's life at which one part fails with ENOSPC or EIO for up to
 * 1.5 s (disk-faults.ts): steps of the blob store's file system, calls of the database before and after they are done, no new page in
 * the database, the scratch folder, the event log. One quarter is a real disk of their own that is full (r11-full-disk.ts). Everything
 * accepted must complete, whole and once; recovery is from the end of the fault to the end of everything, events told and bytes removed.
 */
import { randomUUID } from 'node:crypto';
import { openDataFolder } from './data-folder.ts';
import { readHistory } from './history.ts';
import { judge, type Verdict } from './judge.ts';
import { newLines } from './lines.ts';
import { startWorker, stopAll } from './processes.ts';
import { fillDisks } from './r11-full-disk.ts';
import { all, atMost, none, percentile, type Result, round } from './result.ts';
import type { Stage } from './stage.ts';
import type { DiskFault, Failing } from './worker-setup.ts';

const JOBS = 3;
const LANES = 3;
/** Of each part the uses at which it fails, spread over what three jobs need of it. */
const PARTS: readonly { part: DiskFault['part']; points: number; uses: number }[] = [
  { part: 'blobs', points: 30, uses: 240 },
  { part: 'store-before', points: 15, uses: 50 },
  { part: 'store-after', points: 15, uses: 50 },
  { part: 'database', points: 6, uses: 20 },
  { part: 'scratch', points: 5, uses: 10 },
  { part: 'events', points: 4, uses: 3 },
];
const FULL_DISKS = 25;
/** At full scale also failures of minutes, in which retries and back-off grow; how they stand at its end is chance, so several. */
const LONG_MS = [60_000, 80_000, 100_000, 120_000];

export async function runDisk(stage: Stage, scale: number): Promise<Result> {
  const count = (points: number) => Math.max(1, Math.round(points * scale));
  const faults = PARTS.flatMap(({ part, points, uses }) =>
    Array.from({ length: count(points) }, (_, i) => ({
      part,
      nth: 1 + Math.floor(((i + stage.random()) * uses) / count(points)),
      code: i % 2 === 0 ? ('ENOSPC' as const) : ('EIO' as const),
      forMs: 100 + stage.int(1_400),
    })),
  );
  const long = scale < 1 ? [] : LONG_MS.map((forMs, i) => longFault(forMs, i % 2 === 0 ? 'blobs' : 'store-before'));
  const modelsFolder = await stage.models({ blocks: 30 });
  const found: Point[] = [];
  const waiting = [...long, ...faults];
  stage.note(() => `${found.length} of ${faults.length + long.length} points`);
  const lane = async () => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift())
      found.push(await failOnce(stage, modelsFolder, fault));
  };
  const lanes = Array.from({ length: LANES }, lane);
  const [full] = await Promise.all([fillDisks(stage, modelsFolder, count(FULL_DISKS)), ...lanes]);
  return tell(found, full, faults.length);
}

function longFault(forMs: number, part: DiskFault['part']) {
  return { part, nth: 5, code: 'EIO' as const, forMs };
}

interface Point {
  readonly fault: Omit<DiskFault, 'file'>;
  /** undefined: the worker was done before it used the part so often. */
  readonly recoveryMs: number | undefined;
  readonly verdict: Verdict;
}

/** A worker that was done before its nth use, which hangs on timing, gets another chance with an earlier one. */
async function failOnce(stage: Stage, modelsFolder: string, fault: Omit<DiskFault, 'file'>): Promise<Point> {
  const point = await failAt(stage, modelsFolder, fault);
  if (point.recoveryMs !== undefined || fault.nth === 1) return point;
  return failOnce(stage, modelsFolder, { ...fault, nth: Math.ceil(fault.nth / 2) });
}

/** Three jobs, one worker, one fault, in a folder of their own. */
async function failAt(stage: Stage, modelsFolder: string, fault: Omit<DiskFault, 'file'>): Promise<Point> {
  const name = randomUUID();
  const data = await openDataFolder(stage.path(name), modelsFolder);
  const accepted: string[] = [];
  for (let n = 0; n < JOBS; n++) accepted.push((await data.submit({ seed: n, num_inference_steps: 8 })).id);
  const file = stage.path(`${name}.jsonl`);
  const worker = startWorker({
    dataFolder: data.folder,
    modelsFolder,
    leaseSeconds: 3,
    checkpointCadence: { everySteps: 3, everyMs: 0 },
    faults: { disk: { ...fault, file } },
  });
  await data.ended(stage, fault.forMs + 120_000);
  const endedMs = Date.now();
  const [began] = newLines<Failing>(file)();
  await stopAll([worker]);
  data.close();
  const verdict = judge(await readHistory(data.folder), accepted);
  return { fault, recoveryMs: began && Math.max(0, endedMs - began.backAtMs), verdict };
}

function tell(found: readonly Point[], full: Awaited<ReturnType<typeof fillDisks>>, planned: number): Result {
  const reached = found.filter(point => point.recoveryMs !== undefined);
  const isLong = ({ fault }: Point) => LONG_MS.includes(fault.forMs);
  const recovery = [...reached.filter(point => !isLong(point)).map(point => point.recoveryMs!), ...full.recoveryMs];
  const long = reached.filter(isLong).map(point => point.recoveryMs!);
  const verdicts = [...found.map(point => point.verdict), ...full.verdicts];
  const names = (of: (verdict: Verdict) => readonly string[]) => verdicts.flatMap(of);
  const jobs = found.length * JOBS + full.accepted;
  const points = reached.filter(point => !isLong(point)).length + full.recoveryMs.length;
  return {
    id: 'R11',
    title: `disk failing at ${points} points, ${full.recoveryMs.length} of them a real full disk${full.why}`,
    goals: [
      none('corrupt commits', [...names(verdict => verdict.badHashes), ...names(verdict => verdict.doubleCommits)]),
      none(
        'accepted and lost',
        names(verdict => verdict.lost),
      ),
      all(
        'accepted jobs completed',
        verdicts.reduce((sum, verdict) => sum + verdict.completed, 0),
        jobs,
      ),
      none(
        'ends not told',
        names(verdict => verdict.untold),
      ),
      none(
        'files left over',
        names(verdict => verdict.leftovers),
      ),
      atMost('slowest recovery', Math.max(0, ...recovery) / 1000, 30, 's'),
      ...(long.length === 0 ? [] : [atMost('after minutes of failing', Math.max(...long) / 1000, 30, 's')]),
    ],
    figures: {
      planned,
      notReached: found.length - reached.length,
      refusedSubmits: full.refused,
      recoveryMs: { p50: round(percentile(recovery, 0.5)), p95: round(percentile(recovery, 0.95)) },
      longMs: long,
      slowest: found
        .toSorted((a, b) => (b.recoveryMs ?? 0) - (a.recoveryMs ?? 0))
        .slice(0, 5)
        .map(({ fault, recoveryMs }) => ({ ...fault, recoveryMs })),
    },
  };
}

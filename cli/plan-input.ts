import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type JobTimes, readJobTimes } from '#adapters/local/job-log.ts';
import { invalidRequest, ReelayError } from '#core/errors.ts';
import {
  type ImportedTrace,
  type ImportSettings,
  importTrace,
  type LoggedJob,
  traceJobs,
} from '#core/placement/simulation/import-trace.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { mostJobs } from '#core/placement/simulation/read-job-csv.ts';
import { markSovereign, type Trace } from '#core/placement/simulation/trace.ts';
import { referenceTraces } from '#core/placement/simulation/traces.ts';
import type { Tier } from '#core/placement/types.ts';
import { type ResidencyClasses, residencyRule } from '#core/policy/residency.ts';

/** Where the jobs come from; exactly one of the three. */
export interface PlanSource {
  readonly file?: string | undefined;
  readonly demo?: string | undefined;
  /** A data folder whose job records are read. */
  readonly jobsFolder?: string | undefined;
  readonly classes: ResidencyClasses;
  readonly scaleRate: number;
  readonly bootstrapDays?: number | undefined;
  readonly fps: number;
  /** This share of the jobs, drawn, must stay on the premises; as the log says where absent. */
  readonly stayShare?: number | undefined;
}

/** A trace to plan for, and how many of its jobs had no known service. */
export interface ReadTrace {
  readonly trace: Trace;
  readonly missingServices: number;
}

/** A million jobs are 60 MB of text. */
const mostBytes = 128 * 2 ** 20;

/** Reads the jobs, or throws `invalid_request` with a sentence for each problem. */
export async function readPlanTrace(source: PlanSource): Promise<ReadTrace> {
  const { file, demo, jobsFolder, stayShare } = source;
  if ([file, demo, jobsFolder].filter(given => given !== undefined).length !== 1) {
    const message = 'Give one of: a job log, --demo S, B or C, or --jobs with the data folder of a Reelay.';
    throw invalidRequest([{ path: 'log.csv', message }]);
  }
  const read = await readFrom(source);
  return stayShare === undefined ? read : { ...read, trace: markSovereign(read.trace, mulberry32(5), stayShare) };
}

async function readFrom(source: PlanSource): Promise<ReadTrace> {
  const { file, demo, jobsFolder, scaleRate, bootstrapDays, fps } = source;
  const stretch = { scaleRate, fps, ...(bootstrapDays === undefined ? {} : { bootstrapDays }) };
  if (demo !== undefined) return readDemo(demo);
  if (jobsFolder !== undefined) {
    const jobs = readJobTimes(resolve(jobsFolder), mostJobs).flatMap(job => logged(job, source.classes));
    if (jobs.length === 0) throw invalidRequest([{ path: jobsFolder, message: `${jobsFolder}: it holds no job yet.` }]);
    return checked(jobsFolder, traceJobs(jobs, { ...stretch, name: 'own jobs', exactTimes: true }));
  }
  return checked(
    file!,
    importTrace(await readText(file!), { ...stretch, name: basename(file!) } satisfies ImportSettings),
  );
}

function readDemo(name: string): ReadTrace {
  const trace = referenceTraces().find(other => other.name === name);
  if (trace !== undefined) return { trace, missingServices: 0 };
  throw invalidRequest([{ path: 'demo', message: `--demo: got "${name}"; allowed: S, B, C.` }]);
}

async function readText(file: string): Promise<string> {
  try {
    const found = await stat(file);
    const { size } = found;
    // A device or a pipe may have no end.
    if (!found.isFile())
      throw invalidRequest([{ path: file, message: `${file}: it is no file; allowed: a CSV file.` }]);
    if (size > mostBytes) {
      const message = `${file}: got ${Math.round(size / 2 ** 20)} MiB; allowed: ${mostBytes / 2 ** 20} MiB. Cut the log.`;
      throw invalidRequest([{ path: file, message }]);
    }
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof ReelayError) throw cause;
    throw new ReelayError('invalid_request', `${file}: cannot be read (${(cause as Error).message}).`, { cause });
  }
}

const tiers: Readonly<Record<string, Tier>> = { high: 'interactive', low: 'batch' };

/** A record as the planner sees it. A job that never started says nothing of its length; one that was given up before is left out. */
function logged(job: JobTimes, classes: ResidencyClasses): LoggedJob[] {
  const { createdAtMs, startedAtMs, completedAtMs, status, seconds } = job;
  if (startedAtMs === null && (status === 'failed' || status === 'cancelled')) return [];
  const worked = startedAtMs === null || completedAtMs === null ? Number.NaN : (completedAtMs - startedAtMs) / 1000;
  // A class that nobody defines any more allows nothing, so in doubt the job stays.
  const sovereign = residencyRule(classes, job.residency)?.sites.includes('cloud') !== true;
  return [
    {
      at: createdAtMs / 1000,
      service: worked > 0 ? worked : Number.NaN,
      sovereign,
      tier: tiers[job.priority] ?? 'standard',
      frames: Number.NaN,
      videoSeconds: status === 'completed' ? (seconds ?? Number.NaN) : 0,
    },
  ];
}

function checked(name: string, imported: ImportedTrace): ReadTrace {
  if ('trace' in imported) return imported;
  throw invalidRequest(imported.problems.map(problem => ({ path: name, message: `${name}: ${problem}.` })));
}

import type { Tier } from '../types.ts';
import { type Draw, mulberry32 } from './random.ts';
import { mostJobs, readJobCsv } from './read-job-csv.ts';
import { type Trace, tierNames } from './trace.ts';

/** One job of a log: when it came and how long it worked, in seconds. NaN: the log does not tell. */
export interface LoggedJob {
  readonly at: number;
  readonly service: number;
  readonly sovereign: boolean;
  readonly tier: Tier;
  readonly frames: number;
  /** Length of the video where the log tells it; else frames over `ImportSettings.fps`. */
  readonly videoSeconds?: number;
}

const day = 86_400;
/** The simulator ticks every 10 s: of a longer span it would come to no end. */
const longestDays = 400;

/** How a log is stretched. Both draw from the stream that also spreads jobs within their second. */
export interface ImportSettings {
  readonly name: string;
  /** Jobs per job of the log; 1 where absent. Copies come within half a minute. */
  readonly scaleRate?: number;
  /** So many days, each drawn from the days of the log with its jobs; the log as it is where absent. */
  readonly bootstrapDays?: number;
  /** Frames in a second of video, where the log counts frames; 24 where absent. */
  readonly fps?: number;
  /** The times are exact; otherwise they are whole seconds, and each job gets a drawn fraction. */
  readonly exactTimes?: boolean;
}

/** A trace, or what is wrong with the log: where, what was got, what is allowed. */
export type ImportedTrace =
  | { readonly trace: Trace; readonly missingServices: number; readonly medianServiceSeconds: number }
  | { readonly problems: readonly string[] };

/** Draws whole days with replacement: what belongs to a day stays together. */
function bootstrap(jobs: readonly LoggedJob[], days: number, draw: Draw): LoggedJob[] {
  const byDay = Map.groupBy(jobs, job => Math.floor(job.at / day));
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const d of byDay.keys()) {
    first = Math.min(first, d);
    last = Math.max(last, d);
  }
  const drawn: LoggedJob[] = [];
  for (let d = 0; d < days; d++) {
    const from = first + Math.floor((last - first + 1) * draw());
    for (const job of byDay.get(from) ?? []) drawn.push({ ...job, at: job.at + (d - from) * day });
    if (drawn.length > mostJobs) break;
  }
  return drawn;
}

function scale(jobs: readonly LoggedJob[], rate: number, draw: Draw): LoggedJob[] {
  const scaled: LoggedJob[] = [];
  for (const job of jobs) {
    const copies = Math.floor(rate) + (draw() < rate % 1 ? 1 : 0);
    for (let i = 0; i < copies; i++) scaled.push(i === 0 ? job : { ...job, at: job.at + 30 * draw() });
    if (scaled.length > mostJobs) break;
  }
  return scaled;
}

function settingProblems({ scaleRate = 1, bootstrapDays, fps = 24 }: ImportSettings): string[] {
  const problems: string[] = [];
  if (!(scaleRate > 0 && scaleRate <= 1000))
    problems.push(`scale rate: got ${scaleRate}; allowed: above 0, up to 1000`);
  if (
    bootstrapDays !== undefined &&
    !(Number.isInteger(bootstrapDays) && bootstrapDays > 0 && bootstrapDays <= longestDays)
  ) {
    problems.push(`bootstrap days: got ${bootstrapDays}; allowed: 1 to ${longestDays}`);
  }
  if (!(fps > 0 && fps <= 1000)) problems.push(`fps: got ${fps}; allowed: above 0, up to 1000`);
  return problems;
}

/** Reads a job log as CSV text, as `traceJobs` makes a trace of it. */
export function importTrace(text: string, settings: ImportSettings): ImportedTrace {
  const read = readJobCsv(text);
  return read.problems.length > 0 ? { problems: read.problems } : traceJobs(read.jobs, settings);
}

/**
 * Makes a trace of logged jobs. Whole seconds get a drawn fraction, in the order of the log; a job without a service gets the median
 * of the others; the first job comes at 600 s.
 */
export function traceJobs(logged: readonly LoggedJob[], settings: ImportSettings): ImportedTrace {
  const { scaleRate = 1, bootstrapDays, fps = 24, exactTimes = false } = settings;
  const problems = settingProblems(settings);
  if (problems.length > 0) return { problems };
  const known = Float64Array.from(logged.map(job => job.service).filter(Number.isFinite)).sort();
  if (known.length === 0) return { problems: ['service_s: got no value; allowed: GPU-seconds of at least one job'] };
  const draw = mulberry32(7);
  const median = known[Math.floor((known.length - 1) / 2)]!;
  let jobs = logged.map(job => ({
    ...job,
    at: exactTimes ? job.at : job.at + draw(),
    service: Number.isFinite(job.service) ? job.service : median,
  }));
  if (bootstrapDays !== undefined) jobs = bootstrap(jobs, bootstrapDays, draw);
  if (scaleRate !== 1) jobs = scale(jobs, scaleRate, draw);
  if (jobs.length === 0) return { problems: ['the drawn days hold no job; allowed: more days, or a higher rate'] };
  if (jobs.length > mostJobs) return { problems: [`got more than ${mostJobs} jobs; allowed: up to ${mostJobs}`] };
  jobs.sort((a, b) => a.at - b.at);
  const first = jobs[0]!.at;
  const days = (jobs.at(-1)!.at - first) / day;
  if (days > longestDays) {
    return { problems: [`ts: got a log of ${Math.round(days)} days; allowed: up to ${longestDays}, in seconds`] };
  }
  const trace: Trace = {
    name: settings.name,
    arrivals: Float64Array.from(jobs, job => job.at + (600 - first)),
    services: Float64Array.from(jobs, job => job.service),
    sovereign: Uint8Array.from(jobs, job => (job.sovereign ? 1 : 0)),
    tiers: Uint8Array.from(jobs, job => tierNames.indexOf(job.tier)),
    videoSeconds: Float64Array.from(jobs, job => job.videoSeconds ?? job.frames / fps),
  };
  return { trace, missingServices: logged.length - known.length, medianServiceSeconds: median };
}

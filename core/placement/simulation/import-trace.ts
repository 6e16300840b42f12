import { type Draw, mulberry32 } from './random.ts';
import { collectTrace, type Trace } from './trace.ts';

/** The columns of a job log; only `ts` must have a value in every line. */
export const traceColumns = ['ts', 'model', 'steps', 'frames', 'w', 'h', 'tenant', 'residency', 'tier', 'service_s'];

const columnsAllowed = `${traceColumns.slice(0, -1).join(',')}[,service_s]`;
const tiersAllowed = new Set(['', 'interactive', 'standard', 'batch']);
/** A log of a million jobs is 60 MB of text, and weeks of a thousand GPUs. */
const mostJobs = 1_000_000;
/** More problems than anyone reads. */
const mostProblems = 20;
const day = 86_400;

/** How a log is stretched. Both draw from the stream that also spreads jobs within their second. */
export interface ImportSettings {
  readonly name: string;
  /** Jobs per job of the log; 1 where absent. Copies come within half a minute. */
  readonly scaleRate?: number;
  /** So many days, each drawn from the days of the log with its jobs; the log as it is where absent. */
  readonly bootstrapDays?: number;
}

/** A trace, or what is wrong with the text: where, what was got, what is allowed. */
export type ImportedTrace =
  | { readonly trace: Trace; readonly missingServices: number; readonly medianServiceSeconds: number }
  | { readonly problems: readonly string[] };

interface LoggedJob {
  readonly at: number;
  readonly service: number;
  readonly sovereign: boolean;
}

function readLine(cells: ReadonlyMap<string, string>, line: number, problems: string[]): LoggedJob {
  const say = (column: string, allowed: string) =>
    problems.push(`line ${line}, ${column}: got "${(cells.get(column) ?? '').slice(0, 40)}"; allowed: ${allowed}`);
  const ts = cells.get('ts') ?? '';
  const at = Number(ts);
  if (ts === '' || !Number.isFinite(at) || at < 0) say('ts', 'seconds, 0 or more');
  const service = cells.get('service_s') ?? '';
  const seconds = service === '' ? Number.NaN : Number(service);
  if (service !== '' && !(seconds > 0 && Number.isFinite(seconds))) say('service_s', 'GPU-seconds above 0, or nothing');
  const residency = cells.get('residency') ?? '';
  if (residency !== '' && residency !== 'any' && residency !== 'onprem') say('residency', 'any, onprem, or nothing');
  const tier = cells.get('tier') ?? '';
  if (!tiersAllowed.has(tier)) say('tier', 'interactive, standard, batch, or nothing');
  return { at, service: seconds, sovereign: residency === 'onprem' };
}

function readLines(text: string, problems: string[]): LoggedJob[] {
  const lines = text.split(/\r?\n/);
  const header = (lines[0] ?? '').split(',').map(cell => cell.trim());
  const unknown = header.filter(column => !traceColumns.includes(column));
  const twice = header.length !== new Set(header).size;
  if (unknown.length > 0 || twice || !header.includes('ts')) {
    problems.push(`line 1: got "${(lines[0] ?? '').slice(0, 80)}"; allowed: ${columnsAllowed}`);
    return [];
  }
  const jobs: LoggedJob[] = [];
  for (let i = 1; i < lines.length && problems.length < mostProblems; i++) {
    const line = lines[i]!;
    if (line.trim() === '') continue;
    const cells = line.split(',').map(cell => cell.trim());
    if (cells.length !== header.length) {
      problems.push(`line ${i + 1}: got ${cells.length} cells; allowed: ${header.length}, without quotes`);
      continue;
    }
    jobs.push(readLine(new Map(header.map((column, c) => [column, cells[c]!])), i + 1, problems));
    if (jobs.length > mostJobs) problems.push(`line ${i + 1}: got more than ${mostJobs} jobs; cut the log`);
    if (jobs.length > mostJobs) break;
  }
  if (jobs.length === 0 && problems.length === 0) problems.push('line 2: got no job; allowed: one job a line');
  return jobs;
}

/** Draws whole days with replacement: what belongs to a day stays together. */
function bootstrap(jobs: readonly LoggedJob[], days: number, draw: Draw): LoggedJob[] {
  const byDay = Map.groupBy(jobs, job => Math.floor(job.at / day));
  const first = Math.min(...byDay.keys());
  const count = Math.max(...byDay.keys()) - first + 1;
  return Array.from({ length: days }, (_, d) => {
    const from = first + Math.floor(count * draw());
    return (byDay.get(from) ?? []).map(job => ({ ...job, at: job.at + (d - from) * day }));
  }).flat();
}

function scale(jobs: readonly LoggedJob[], rate: number, draw: Draw): LoggedJob[] {
  return jobs.flatMap(job => {
    const copies = Math.floor(rate) + (draw() < rate % 1 ? 1 : 0);
    return Array.from({ length: copies }, (_, i) => (i === 0 ? job : { ...job, at: job.at + 30 * draw() }));
  });
}

/**
 * Reads a job log as CSV text. Times are whole seconds, so each job gets a drawn fraction in the order of the file; a job without a
 * service gets the median of the others; the first job comes at 600 s.
 */
export function importTrace(text: string, settings: ImportSettings): ImportedTrace {
  const problems: string[] = [];
  const { scaleRate = 1, bootstrapDays } = settings;
  if (!(scaleRate > 0 && scaleRate <= 1000))
    problems.push(`scale rate: got ${scaleRate}; allowed: above 0, up to 1000`);
  if (bootstrapDays !== undefined && !(Number.isInteger(bootstrapDays) && bootstrapDays > 0 && bootstrapDays <= 3650)) {
    problems.push(`bootstrap days: got ${bootstrapDays}; allowed: 1 to 3650`);
  }
  const logged = problems.length > 0 ? [] : readLines(text, problems);
  const known = logged
    .map(job => job.service)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (problems.length === 0 && known.length === 0) {
    problems.push('service_s: got no value; allowed: GPU-seconds of at least one job');
  }
  if (problems.length > 0) return { problems };
  const draw = mulberry32(7);
  const median = known[Math.floor((known.length - 1) / 2)]!;
  let jobs = logged.map(job => ({
    ...job,
    at: job.at + draw(),
    service: Number.isFinite(job.service) ? job.service : median,
  }));
  if (bootstrapDays !== undefined) jobs = bootstrap(jobs, bootstrapDays, draw);
  if (scaleRate !== 1) jobs = scale(jobs, scaleRate, draw);
  if (jobs.length === 0) return { problems: ['the drawn days hold no job: draw more days, or a higher rate'] };
  if (jobs.length > mostJobs) return { problems: [`got ${jobs.length} jobs; allowed: up to ${mostJobs}`] };
  jobs.sort((a, b) => a.at - b.at);
  const shift = 600 - jobs[0]!.at;
  const trace = collectTrace(settings.name, add => {
    for (const job of jobs) add(job.at + shift, job.service);
  });
  return {
    trace: { ...trace, sovereign: Uint8Array.from(jobs, job => (job.sovereign ? 1 : 0)) },
    missingServices: logged.length - known.length,
    medianServiceSeconds: median,
  };
}

/** What a history must not show. Each list names jobs or files, so that a failing run says where to look. */
import { isTerminal, type Job } from '#core/job.ts';
import type { History } from './history.ts';

export interface Verdict {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Accepted, but without a record, or not over. */
  readonly lost: readonly string[];
  /** Two different ends told or logged, an end told that is not the record's, or files of another attempt than the one that ended it. */
  readonly doubleCommits: readonly string[];
  /** A file that a record names is missing, or of another length or hash; a job without marks, with another's, or with other frames than an equal request. */
  readonly badHashes: readonly string[];
  /** Over, and no event tells so. */
  readonly untold: readonly string[];
  /** Files that no record names: of other attempts, checkpoints, temporary ones. */
  readonly leftovers: readonly string[];
  /** Events told again with the same id: allowed, consumers drop them. */
  readonly repeatedEvents: number;
}

/** `accepted`: ids that a client was told. */
export function judge(history: History, accepted: Iterable<string>): Verdict {
  const { jobs } = history;
  const byId = new Map(jobs.map(job => [job.id, job]));
  const told = Map.groupBy(history.events, event => event.subject);
  const count = (status: string) => jobs.filter(job => job.status === status).length;
  const known = new Set([...accepted, ...byId.keys()]);
  return {
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    lost: [...known].filter(id => !isTerminal(byId.get(id)?.status ?? 'queued')),
    doubleCommits: jobs.filter(job => isDouble(job, history, told)).map(job => job.id),
    badHashes: [...badFiles(history), ...unequal(jobs), ...unmarked(jobs)],
    untold: jobs.filter(job => isTerminal(job.status) && !told.has(job.id)).map(job => job.id),
    leftovers: leftovers(history),
    repeatedEvents: history.events.length - new Set(history.events.map(event => event.id)).size,
  };
}

type Told = ReadonlyMap<string, History['events']>;
const completions = new WeakMap<History, ReadonlyMap<string, Set<number>>>();

function isDouble(job: Job, history: History, told: Told): boolean {
  const ends = new Set((told.get(job.id) ?? []).map(({ id, data }) => JSON.stringify([id, data.attempt, data.sha256])));
  const logged = completedAttempts(history).get(job.id) ?? new Set();
  const wrongEnd = (told.get(job.id) ?? []).some(
    ({ data }) => data.status !== job.status || data.attempt !== job.attempt || data.sha256 !== shaOf(job),
  );
  const wrongFiles = filesOf(job).some(({ key }) => !key.includes(`/attempt=${job.attempt}/`));
  return ends.size > 1 || logged.size > 1 || wrongEnd || wrongFiles;
}

function completedAttempts(history: History): ReadonlyMap<string, Set<number>> {
  const known = completions.get(history);
  if (known !== undefined) return known;
  const found = new Map<string, Set<number>>();
  for (const { message, jobId = '', attempt = 0 } of history.log)
    if (message === 'job completed') found.set(jobId, (found.get(jobId) ?? new Set()).add(attempt));
  completions.set(history, found);
  return found;
}

function shaOf(job: Job): string | null {
  return job.artifacts.video?.sha256 ?? null;
}

/** What a record names: its artifacts, and the receipt of where they were made. */
function filesOf({ artifacts, receipt }: Job): readonly { key: string; bytes: number; sha256: string }[] {
  return [...Object.values(artifacts), ...(receipt === null ? [] : [receipt])];
}

function badFiles({ jobs, files }: History): string[] {
  const bad: string[] = [];
  for (const job of jobs) {
    if (job.status === 'completed' && Object.keys(job.artifacts).length !== 3) bad.push(`${job.id}: not three files`);
    if ((job.status === 'completed') !== (job.receipt !== null)) bad.push(`${job.id}: a video without its receipt`);
    for (const { key, bytes, sha256 } of filesOf(job)) {
      const file = files.get(key);
      if (file?.bytes !== bytes || file.sha256 !== sha256) bad.push(key);
    }
  }
  return bad;
}

/** Equal requests render to equal frames, however often they were interrupted: jobs whose frames differ from those of most others. */
function unequal(jobs: readonly Job[]): string[] {
  const completed = jobs.filter(job => job.status === 'completed');
  const groups = Map.groupBy(completed, ({ request: { metadata: _, ...rest } }) => JSON.stringify(rest));
  return [...groups.values()].flatMap(group => {
    const bySha = [...Map.groupBy(group, job => job.marking?.framesSha256).values()].sort(
      (a, b) => b.length - a.length,
    );
    return bySha.slice(1).flatMap(others => others.map(job => `${job.id}: other frames than equal requests have`));
  });
}

/** Completed and not marked, or with the mark of another job. */
function unmarked(jobs: readonly Job[]): string[] {
  const completed = jobs.filter(job => job.status === 'completed');
  const payloads = Map.groupBy(completed, job => job.marking?.payload);
  return completed
    .filter(job => job.marking === null || payloads.get(job.marking.payload)!.length > 1)
    .map(job => `${job.id}: no mark of its own`);
}

function leftovers({ jobs, files }: History): string[] {
  const named = new Set(jobs.flatMap(job => filesOf(job).map(file => file.key)));
  return [...files.keys()].filter(key => !named.has(key));
}

export interface Redone {
  /** Steps that undisturbed rendering takes. */
  readonly steps: number;
  /** An upper bound of the steps done more than once. */
  readonly atMost: number;
  /** A lower one: by the progress last written before a kill. */
  readonly atLeast: number;
  /** Attempts that began after another had. */
  readonly restarts: number;
}

/**
 * Counted per job over its attempts in the log, in order. An attempt that another one followed may have come as far as its last step, so
 * at most `steps - from` of the follower are done twice; where the log tells the step it stopped at (a drain), `step - from` exactly.
 * `seen` has the progress that the record showed when a worker was killed, by `jobId/attempt`: at least `seen - from` are done twice.
 */
export function countRedone({ jobs, log }: History, seen: ReadonlyMap<string, number> = new Map()): Redone {
  const starts = Map.groupBy(
    log.filter(line => line.message === 'job started'),
    line => line.jobId,
  );
  const drained = new Map(
    log.filter(line => line.step !== undefined).map(line => [`${line.jobId}/${line.attempt}`, line.step!]),
  );
  let [steps, atMost, atLeast, restarts] = [0, 0, 0, 0];
  for (const { id, request } of jobs) {
    steps += request.num_inference_steps;
    const attempts = (starts.get(id) ?? []).toSorted((a, b) => a.attempt! - b.attempt!);
    for (const [i, next] of attempts.slice(1).entries()) {
      const name = `${id}/${attempts[i]!.attempt}`;
      restarts++;
      atMost += (drained.get(name) ?? request.num_inference_steps) - next.from!;
      atLeast += Math.max(0, (seen.get(name) ?? 0) - next.from!);
    }
  }
  return { steps, atMost, atLeast, restarts };
}

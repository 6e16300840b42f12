import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  leaseExpiresAtMs,
  matchesFilters,
  outboxDueAtMs,
  queuedDeadlineAtMs,
  queuedRank,
} from '#adapters/job-facts.ts';
import { applyChange, checkChange, clearOutboxOf, expectationHolds } from '#core/apply-change.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { idOrder } from '#core/job-id.ts';
import { jobFromRecord } from '#core/job-record.ts';
import { briefOf } from '#core/jobs/brief.ts';
import { limits } from '#core/limits.ts';
import type { Expected, JobChange, JobPage, JobQuery, JobStore } from '#core/ports.ts';
import { writeTransaction } from './sqlite.ts';
import { fromSqlite, sqliteCode } from './sqlite-error.ts';
import { type JobStatements, prepareJobStatements } from './sqlite-job-statements.ts';

const SQLITE_CONSTRAINT = 19;

/**
 * Job records in the database of a data folder, from `openDatabase`, which stays the caller's to close. Calls run to their end
 * without yielding; a write waits (and blocks the thread) while another process writes.
 */
export function createSqliteJobStore(db: DatabaseSync): JobStore {
  const file = db.location() ?? ':memory:';
  const sql = prepareJobStatements(db);

  /** Every access runs in here: sync inside, a promise outside, and only ReelayErrors leave. */
  async function access<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw fromSqlite(error, file);
    }
  }

  return {
    create: job => access(() => insert(sql, job)),
    load: id => access(() => load(sql, id)),
    get: (id, tenant) =>
      access(() => {
        const job = load(sql, id);
        return job?.tenant === tenant ? job : undefined;
      }),
    list: (tenant, query) => access(() => list(sql, tenant, query)),
    transition: (id, expected, change) => access(() => transition(db, sql, id, expected, change)),
    clearOutbox: (id, entryIds) => access(() => clearOutbox(db, sql, id, entryIds)),
    listOutboxDue: (beforeMs, limit) => access(() => parseAll(sql.outboxDue.all(beforeMs, limit))),
    listRunning: limit => access(() => parseAll(sql.running.all(limit))),
    countRunning: () => access(() => byTenant(sql.countRunning.all())),
    listQueueHeads: (nowMs, limit) =>
      access(() => parseAll(sql.queueHeads.all({ nowMs, limit, latestMs: nowMs + limits.longestDelaySeconds * 1000 }))),
    countQueuedByTenant: () => access(() => byTenant(sql.countQueuedByTenant.all())),
    countQueuedBefore: (tenant, rank, atMost) =>
      access(() => Number(sql.countQueuedBefore.get(tenant, rank, atMost)?.queued)),
    listDeadlinesMissed: (beforeMs, limit) => access(() => parseAll(sql.deadlinesMissed.all(beforeMs, limit))),
    listRemovable: (beforeMs, limit) => access(() => parseAll(sql.removable.all(beforeMs, limit))),
    remove: (job, removedAtMs) => access(() => remove(db, sql, job, removedAtMs)),
    listTombstones: (beforeMs, limit) =>
      access(() =>
        sql.tombstones.all(beforeMs, limit).map(({ id, tenant, removed_at_ms }) => ({
          id: String(id),
          tenant: String(tenant),
          removedAtMs: Number(removed_at_ms),
        })),
      ),
    removeTombstone: id => access(() => void sql.removeTombstone.run(id)),
    countQueued: atMost => access(() => Number(sql.countQueued.get(atMost)?.queued)),
    listBriefs: (status, limit) =>
      access(() =>
        parseAll((status === 'queued' ? sql.queued : sql.running).all(limit)).flatMap(job => briefOf(job) ?? []),
      ),
  };
}

function load(sql: JobStatements, id: string): Job | undefined {
  return parse(sql.load.get(id));
}

function insert(sql: JobStatements, job: Job): void {
  try {
    const { changes } = sql.insert.run({ ...columns(job), id: job.id, tenant: job.tenant });
    if (Number(changes) === 0) throw new ReelayError('conflict', `id: ${job.id} was removed.`);
  } catch (error) {
    if (sqliteCode(error) === SQLITE_CONSTRAINT)
      throw new ReelayError('conflict', `id: ${job.id} exists already.`, { cause: error });
    throw error;
  }
}

function remove(db: DatabaseSync, sql: JobStatements, { id, tenant }: Pick<Job, 'id' | 'tenant'>, removedAtMs: number) {
  writeTransaction(db, () => {
    if (Number(sql.bury.run({ id, tenant, removedAtMs }).changes) === 1) sql.remove.run(id);
  });
}

function transition(
  db: DatabaseSync,
  sql: JobStatements,
  id: string,
  expected: Expected,
  change: JobChange,
): Job | undefined {
  checkChange(expected, change);
  return writeTransaction(db, () => {
    const job = load(sql, id);
    if (job === undefined || !expectationHolds(job, expected)) return undefined;
    const changed = applyChange(job, change);
    sql.update.run({ ...columns(changed), id });
    return changed;
  });
}

function clearOutbox(db: DatabaseSync, sql: JobStatements, id: string, entryIds: readonly string[]): void {
  writeTransaction(db, () => {
    const job = load(sql, id);
    const cleared = job && clearOutboxOf(job, entryIds);
    if (cleared !== undefined) sql.update.run({ ...columns(cleared), id });
  });
}

function list(sql: JobStatements, tenant: string, query: JobQuery): JobPage {
  const { order, limit } = query;
  const rows = order === 'asc' ? sql.listAsc : sql.listDesc;
  // U+10FFFF sorts after every id.
  const after = query.after === undefined ? (order === 'asc' ? '' : '\u{10FFFF}') : idOrder(query.after);
  const jobs: Job[] = [];
  for (const row of rows.iterate({ tenant, after, status: query.status ?? null })) {
    const job = parse(row);
    if (job === undefined || !matchesFilters(job, query)) continue;
    if (jobs.length === limit) return { jobs, hasMore: true };
    jobs.push(job);
  }
  return { jobs, hasMore: false };
}

type Row = Record<string, SQLOutputValue>;

function parse(row: Row | undefined): Job | undefined {
  return row === undefined ? undefined : jobFromRecord(String(row.record));
}

function parseAll(rows: readonly Row[]): Job[] {
  return rows.map(row => jobFromRecord(String(row.record)));
}

function byTenant(rows: readonly Row[]): ReadonlyMap<string, number> {
  return new Map(rows.map(row => [String(row.tenant), Number(row.jobs)]));
}

/** What changes with the record; id and tenant never do. */
function columns(job: Job): Record<string, string | number | null> {
  return {
    status: job.status,
    attempt: job.attempt,
    version: job.version,
    lease_expires_at_ms: leaseExpiresAtMs(job),
    outbox_due_at_ms: outboxDueAtMs(job),
    expires_at_ms: job.expiresAtMs,
    deleted_at_ms: job.deletedAtMs,
    queue_rank: queuedRank(job),
    not_before_ms: job.status === 'queued' ? job.notBeforeMs : null,
    deadline_at_ms: queuedDeadlineAtMs(job),
    record: JSON.stringify(job),
  };
}

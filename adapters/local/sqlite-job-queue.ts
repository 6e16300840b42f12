/**
 * A message is one row:
 *
 *     waiting (visible_at_ms <= now, or later when delayed) -> leased (receipt set, visible_at_ms = end of the lease)
 *     leased -> leased     extend: a later end
 *     leased -> waiting    release; or the lease ends, and the row is taken again under a new receipt
 *     leased -> gone       ack
 *
 * The receipt is the only way back to the row: whoever holds an old one finds nothing and disturbs nobody.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Delivery, JobQueue, QueueMessage, StopSignal } from '#core/ports.ts';
import { writeTransaction } from './sqlite.ts';
import { fromSqlite } from './sqlite-error.ts';

/** Who receives, and by which clock. */
export interface SqliteJobQueueOptions {
  /** Names this process: the id under which it holds its lock, so that `releaseDeadOwners` can tell whether it lives. */
  readonly owner: string;
  /** Wall clock in milliseconds, shared by all processes of the data folder. */
  readonly now: () => number;
  /** One database carries several queues, apart from each other by this name; `jobs` by default. */
  readonly queue?: string;
}

/** The queue of jobs that ended for good and wait for a person, beside `jobs`. */
export const deadLetterQueue = 'dead_letters';

/**
 * The queue in the database of a data folder, from `openDatabase`, which stays the caller's to close. First come, first served by the
 * time a message became visible. A receiver sees what its own process sends at once and the rest within limits.localQueuePollMs.
 */
export function createSqliteJobQueue(db: DatabaseSync, options: SqliteJobQueueOptions): JobQueue {
  const { now, queue = 'jobs' } = options;
  const file = db.location() ?? ':memory:';
  const sql = prepare(db);
  const sleepers = new Set<() => void>();
  /** Counts wakes, so that one that comes between a look and the sleep after it is not slept through. */
  let wakes = 0;

  async function access<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw fromSqlite(error, file);
    }
  }

  /** Wakes everyone asleep in this process; whoever finds nothing goes back to sleep. */
  function wake(): void {
    wakes++;
    for (const wakeUp of [...sleepers]) wakeUp();
  }

  return {
    send: (message, { delaySeconds = 0 } = {}) =>
      access(() => {
        sql.send.run(queue, message.jobId, message.reason ?? null, now() + delaySeconds * 1000);
        wake();
      }),

    async receive({ leaseSeconds, waitMs, signal }) {
      const deadlineMs = performance.now() + waitMs;
      while (signal?.aborted !== true) {
        const wakesSeen = wakes;
        const delivery = await access(() => take(db, sql, { ...options, queue, leaseSeconds }));
        const leftMs = deadlineMs - performance.now();
        if (delivery !== undefined || leftMs <= 0) return delivery;
        if (wakes === wakesSeen) await sleep(Math.min(leftMs, limits.localQueuePollMs), sleepers, signal);
      }
      return undefined;
    },

    extend: (delivery, seconds) =>
      access(() => expectOne(sql.extend.run(now() + seconds * 1000, delivery.receipt).changes)),

    release: (delivery, delaySeconds) =>
      access(() => {
        expectOne(sql.release.run(now() + delaySeconds * 1000, delivery.receipt).changes);
        wake();
      }),

    ack: delivery => access(() => expectOne(sql.ack.run(delivery.receipt).changes)),

    depth: () => access(() => Number(sql.depth.get(queue, now())?.waiting)),

    peek: limit => access(() => sql.waiting.all(queue, now(), limit).map(messageOf)),
  };
}

type Statements = ReturnType<typeof prepare>;

function take(
  db: DatabaseSync,
  sql: Statements,
  { owner, now, queue, leaseSeconds }: SqliteJobQueueOptions & { queue: string; leaseSeconds: number },
): Delivery | undefined {
  // A look costs no lock; only a find takes the write lock, and looks again under it.
  if (sql.waiting.get(queue, now(), 1) === undefined) {
    // Later than any delay reaches: the wall clock was set back since, and nothing would be shown until it is there again.
    const latest = now() + limits.longestDelaySeconds * 1000;
    if (sql.late.get(queue, latest) === undefined) return undefined;
    sql.show.run(now(), queue, latest);
  }
  return writeTransaction(db, () => {
    const at = now();
    const row = sql.waiting.get(queue, at, 1);
    if (row === undefined) return undefined;
    const receipt = randomUUID();
    sql.lease.run(at + leaseSeconds * 1000, receipt, owner, Number(row.id));
    const receiveCount = Number(row.receive_count) + 1;
    return { message: messageOf(row), receipt, receiveCount };
  });
}

function messageOf(row: Record<string, SQLOutputValue>): QueueMessage {
  const reason = row.reason === null ? {} : { reason: String(row.reason) };
  return { v: 1, jobId: String(row.job_id), ...reason };
}

/** A receipt that is not current finds no row. */
function expectOne(changes: number | bigint): void {
  if (Number(changes) === 1) return;
  throw new ReelayError(
    'lease_lost',
    'The message is no longer held: it was acked, released, or given to another worker.',
  );
}

/**
 * Shows the messages of all queues that dead processes hold, at once and before all others, since they came first. Returns how many. Call it with
 * `isHeld` of process-lock.ts; a process takes its lock before it receives, so a living owner is never taken for dead.
 */
export function releaseDeadOwners(db: DatabaseSync, isOwnerAlive: (owner: string) => boolean): number {
  const file = db.location() ?? ':memory:';
  try {
    const owners = db.prepare('SELECT DISTINCT owner FROM messages WHERE owner IS NOT NULL').all();
    const dead = owners.map(row => String(row.owner)).filter(owner => !isOwnerAlive(owner));
    const release = db.prepare('UPDATE messages SET visible_at_ms = 0, receipt = NULL, owner = NULL WHERE owner = ?');
    return dead.reduce((released, owner) => released + Number(release.run(owner).changes), 0);
  } catch (error) {
    throw fromSqlite(error, file);
  }
}

/** Ends after `ms`, or earlier when woken or aborted. */
function sleep(ms: number, sleepers: Set<() => void>, signal: StopSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      sleepers.delete(end);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    sleepers.add(end);
    signal?.addEventListener('abort', end);
  });
}

function prepare(db: DatabaseSync) {
  return {
    send: db.prepare('INSERT INTO messages (queue, job_id, reason, visible_at_ms) VALUES (?, ?, ?, ?)'),
    waiting: db.prepare(
      `SELECT id, job_id, reason, receive_count FROM messages WHERE queue = ? AND visible_at_ms <= ?
       ORDER BY visible_at_ms, id LIMIT ?`,
    ),
    lease: db.prepare(
      `UPDATE messages SET visible_at_ms = ?, receipt = ?, owner = ?, receive_count = receive_count + 1 WHERE id = ?`,
    ),
    extend: db.prepare('UPDATE messages SET visible_at_ms = ? WHERE receipt = ?'),
    release: db.prepare('UPDATE messages SET visible_at_ms = ?, receipt = NULL, owner = NULL WHERE receipt = ?'),
    ack: db.prepare('DELETE FROM messages WHERE receipt = ?'),
    late: db.prepare('SELECT id FROM messages WHERE queue = ? AND visible_at_ms > ? AND receipt IS NULL LIMIT 1'),
    show: db.prepare('UPDATE messages SET visible_at_ms = ? WHERE queue = ? AND visible_at_ms > ? AND receipt IS NULL'),
    depth: db.prepare(
      'SELECT count(*) AS waiting FROM messages WHERE queue = ? AND (receipt IS NULL OR visible_at_ms <= ?)',
    ),
  };
}

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ReelayError } from '#core/errors.ts';
import { fromSqlite, sqliteCode } from './sqlite-error.ts';

/** Other processes of the same data folder write for milliseconds; one that holds the file for longer is stuck. */
const BUSY_TIMEOUT_MS = 5_000;
const SQLITE_BUSY = 5;

/**
 * Schema version n is the result of the first n entries. Entries are only ever added: a database in the field has run the old ones.
 *
 * The record is JSON in one column; the other columns of `jobs` repeat what is searched and are written with it. A column that does
 * not apply is NULL and stays out of its partial index, so that a sweep reads what is due and not the whole history.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE jobs (
     id TEXT PRIMARY KEY,
     tenant TEXT NOT NULL,
     status TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     version INTEGER NOT NULL,
     lease_expires_at_ms INTEGER,
     outbox_due_at_ms INTEGER,
     expires_at_ms INTEGER,
     deleted_at_ms INTEGER,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX jobs_by_tenant ON jobs (tenant, id) WHERE deleted_at_ms IS NULL;
   CREATE INDEX jobs_queued ON jobs (id) WHERE status = 'queued';
   CREATE INDEX jobs_by_lease ON jobs (lease_expires_at_ms) WHERE lease_expires_at_ms IS NOT NULL;
   CREATE INDEX jobs_by_outbox ON jobs (outbox_due_at_ms) WHERE outbox_due_at_ms IS NOT NULL;
   CREATE INDEX jobs_by_expiry ON jobs (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
   CREATE INDEX jobs_deleted ON jobs (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;

   CREATE TABLE messages (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     job_id TEXT NOT NULL,
     visible_at_ms INTEGER NOT NULL,
     receive_count INTEGER NOT NULL DEFAULT 0,
     receipt TEXT,
     owner TEXT
   ) STRICT;
   CREATE INDEX messages_by_visibility ON messages (visible_at_ms, id);
   CREATE UNIQUE INDEX messages_by_receipt ON messages (receipt) WHERE receipt IS NOT NULL;`,

  // The rank that queueRank of core/job.ts gives a record from before priorities and deadlines is written out, so that a later change
  // there leaves what this version did alone. jobs_by_rank covers the counts and the search for a tenant's head.
  `ALTER TABLE jobs ADD COLUMN queue_rank TEXT;
   ALTER TABLE jobs ADD COLUMN not_before_ms INTEGER;
   ALTER TABLE jobs ADD COLUMN deadline_at_ms INTEGER;
   UPDATE jobs SET queue_rank = '1#999999999999999#' || id, not_before_ms = 0 WHERE status = 'queued';
   DROP INDEX jobs_queued;
   CREATE INDEX jobs_by_rank ON jobs (tenant, queue_rank, not_before_ms) WHERE queue_rank IS NOT NULL;
   CREATE INDEX jobs_by_deadline ON jobs (deadline_at_ms, id) WHERE deadline_at_ms IS NOT NULL;
   DROP INDEX jobs_by_lease;
   CREATE INDEX jobs_by_lease ON jobs (lease_expires_at_ms, id, tenant) WHERE lease_expires_at_ms IS NOT NULL;

   ALTER TABLE messages ADD COLUMN queue TEXT NOT NULL DEFAULT 'jobs';
   ALTER TABLE messages ADD COLUMN reason TEXT;
   DROP INDEX messages_by_visibility;
   CREATE INDEX messages_by_queue ON messages (queue, visible_at_ms, id);

   CREATE TABLE entries (
     space TEXT NOT NULL,
     name TEXT NOT NULL,
     kind TEXT NOT NULL,
     value TEXT NOT NULL,
     expires_at_ms INTEGER,
     due_at_ms INTEGER,
     version INTEGER NOT NULL,
     PRIMARY KEY (space, name)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX entries_by_expiry ON entries (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
   CREATE INDEX entries_due ON entries (kind, due_at_ms) WHERE due_at_ms IS NOT NULL;`,

  `CREATE TABLE tombstones (
     id TEXT PRIMARY KEY,
     tenant TEXT NOT NULL,
     removed_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tombstones_by_time ON tombstones (removed_at_ms);`,

  // What idOrder of core/job.ts says of an id, computed here so that a process of before this version may still insert beside us.
  `ALTER TABLE jobs ADD COLUMN made TEXT GENERATED ALWAYS AS (
     CASE WHEN length(id) > 33 AND substr(id, -27, 1) = '_'
       THEN 'video_' || substr(id, -26) || '_' || substr(id, 7, length(id) - 33) ELSE id END
   ) VIRTUAL;
   DROP INDEX jobs_by_tenant;
   CREATE INDEX jobs_by_tenant ON jobs (tenant, made) WHERE deleted_at_ms IS NULL;`,

  // Prompts are sealed from here on: a Reelay from before, which would render such a record with an empty one, is not to open the file.
  'SELECT 1',
];

/** Where the database of a data folder lies. */
export function databaseFile(folder: string): string {
  return join(folder, 'reelay.sqlite');
}

/**
 * Opens the database of a data folder, making both where they are missing, and brings an older schema up to date. Every commit is
 * fsynced. Several processes may have it open. Throws `store_unavailable`, not retryable for a schema of a newer version.
 */
export function openDatabase(folder: string): DatabaseSync {
  const file = databaseFile(folder);
  let db: DatabaseSync | undefined;
  try {
    // Prompts are private: other users of the machine see nothing.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600)); // SQLite would make it readable; its log files take the mode of the database
    db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    useWal(db);
    // FULL fsyncs the log at each commit; WAL's default, NORMAL, could lose accepted jobs in a power cut.
    db.exec('PRAGMA synchronous = FULL');
    // What is deleted or overwritten is overwritten with zeros: a destroyed key is not to lie in a free page.
    db.exec('PRAGMA secure_delete = ON');
    migrate(db, file);
    return db;
  } catch (error) {
    db?.close();
    throw fromSqlite(error, file);
  }
}

/** Runs `work` as one write transaction: all of it or, when it throws, nothing. */
export function writeTransaction<T>(db: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock before the first read: what was read is still true at the write.
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (full disk, I/O).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Changing to WAL needs the file for itself and does not wait for it: processes that start together meet here. */
function useWal(db: DatabaseSync): void {
  const deadlineMs = Date.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (sqliteCode(error) !== SQLITE_BUSY || Date.now() > deadlineMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function migrate(db: DatabaseSync, file: string): void {
  if (schemaVersion(db) === MIGRATIONS.length) return;
  writeTransaction(db, () => {
    // Read again under the lock: another process may just have done it.
    const version = schemaVersion(db);
    if (version > MIGRATIONS.length)
      throw new ReelayError(
        'store_unavailable',
        `The database ${file} has schema version ${version}, but this Reelay knows versions up to ${MIGRATIONS.length}; ` +
          'start the newer Reelay that wrote it, or use another data folder.',
        { retryable: false },
      );
    for (const sql of MIGRATIONS.slice(version)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ReelayError } from '#core/errors.ts';
import { databaseFile } from './sqlite.ts';
import { fromSqlite } from './sqlite-error.ts';

/** What a plan needs to know of a job, and nothing more: no prompt, tenant or id is read. Times in ms; null: not yet. */
export interface JobTimes {
  readonly createdAtMs: number;
  /** Of the attempt that ended the job. */
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
  readonly status: string;
  readonly priority: string;
  readonly residency: string;
  /** Length of the video. */
  readonly seconds: number | null;
}

// A record from before placements, priorities or residency classes has what it would have had.
const TIMES = `
  SELECT record ->> '$.createdAtMs' AS createdAtMs,
    coalesce(record ->> '$.placements[#-1].startedAtMs', record ->> '$.startedAtMs') AS startedAtMs,
    record ->> '$.completedAtMs' AS completedAtMs,
    status,
    coalesce(record ->> '$.priority', 'normal') AS priority,
    coalesce(record ->> '$.request.residency', 'standard') AS residency,
    record ->> '$.request.seconds' AS seconds
  FROM jobs WHERE deleted_at_ms IS NULL ORDER BY id LIMIT ?`;

/**
 * The times of all jobs of a data folder, oldest first, at most `limit`; the folder is only read, also while it is in use. Throws
 * `invalid_request` where there is no database, `store_unavailable` where it cannot be read.
 */
export function readJobTimes(folder: string, limit: number): readonly JobTimes[] {
  const file = databaseFile(folder);
  if (!existsSync(file)) {
    const message = `${folder}: got no job records there; the data folder of a Reelay that has had a job is allowed.`;
    throw new ReelayError('invalid_request', message);
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    return db.prepare(TIMES).all(limit) as unknown as readonly JobTimes[];
  } catch (error) {
    throw fromSqlite(error, file);
  } finally {
    db?.close();
  }
}

import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { sealLimits } from '#core/audit/seal-limits.ts';
import { ReelayError } from '#core/errors.ts';
import { fromSqlite } from './sqlite-error.ts';

/**
 * Empties the log of a database, in which what was overwritten in its pages may still stand; in the pages themselves `secure_delete` has
 * put zeros over it. Several that are asked for while one waits are one. Waits for other processes that read at the moment. Throws
 * `store_unavailable` where one of them reads for too long.
 */
export function createScrub(db: DatabaseSync): () => Promise<void> {
  let next: Promise<void> | undefined;
  return () => {
    next ??= sleep(sealLimits.scrubGatherMs).then(() => {
      next = undefined; // who asks from here on may have written after it began
      return empty(db);
    });
    return next;
  };
}

async function empty(db: DatabaseSync): Promise<void> {
  for (let tries = 0; tries < sealLimits.scrubTries; tries++) {
    if (tries > 0) await sleep(sealLimits.scrubWaitMs);
    if (isEmptied(db)) return;
  }
  throw new ReelayError('store_unavailable', 'The log of the database is in use and could not be emptied; try again.');
}

function isEmptied(db: DatabaseSync): boolean {
  try {
    // One row: busy (0 or 1), and the frames of the log, which are none.
    return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } catch (error) {
    throw fromSqlite(error, db.location() ?? ':memory:');
  }
}

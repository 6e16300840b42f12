/**
 * A lock that dies with its process, kill -9 included: an exclusive transaction on a tiny SQLite file, whose lock the operating system
 * holds and drops. SQLite does the file locking because POSIX locks have a trap that it knows: closing any descriptor of a file drops
 * all locks that the process holds on it. So nothing here opens a lock file by other means while it may be held.
 *
 * Who takes the lock owns the name: the holder unlinks the file while it still has the lock, and whoever gets a lock checks that the
 * file it locked is the one that the name means.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromSqlite, sqliteCode } from './sqlite-error.ts';

const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;
/** A look by another process locks the file for microseconds; a lock that stays for longer is held. */
const LOOK_TIMEOUT_MS = 200;
const SUFFIX = '.lock';
/** A database that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>();

/** A lock that this process holds. */
export interface ProcessLock {
  /** Gives the lock up and removes its file; again is fine. */
  release(): void;
}

/** Takes the lock of this name, undefined when a living process (this one included) has it. Makes the folder. */
export function holdLock(path: string): ProcessLock | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true });
    for (;;) {
      const inode = inodeOf(path) ?? create(path);
      const db = lock(path, LOOK_TIMEOUT_MS);
      if (db === undefined) return undefined;
      if (inodeOf(path) === inode) {
        held.add(db);
        return { release: () => removeAndUnlock(db, path) };
      }
      // The last holder removed the file while we waited for it: what we have locked has no name any more.
      db.close();
    }
  } catch (error) {
    throw fromSqlite(error, path);
  }
}

/** Whether a living process, this one included, holds the lock of this name. Leaves nothing behind. */
export function isHeld(path: string): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    // A read takes the shared lock, so that lookers do not see one another.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (sqliteCode(error) === SQLITE_BUSY) return true;
    if (sqliteCode(error) === SQLITE_CANTOPEN && inodeOf(path) === undefined) return false;
    throw fromSqlite(error, path);
  } finally {
    db?.close();
  }
}

/** Removes the lock files of dead processes in a folder and returns their names without the suffix `.lock`. */
export function cleanDeadLocks(folder: string): readonly string[] {
  const removed: string[] = [];
  for (const name of lockFiles(folder)) {
    const path = join(folder, name);
    try {
      const inode = inodeOf(path);
      const db = lock(path, 0);
      if (db === undefined) continue;
      if (inodeOf(path) === inode) {
        removeAndUnlock(db, path);
        removed.push(name.slice(0, -SUFFIX.length));
      } else db.close();
    } catch (error) {
      throw fromSqlite(error, path);
    }
  }
  return removed;
}

/** undefined when the file is locked. The journal stays in memory: a killed process leaves one empty file and no journal. */
function lock(path: string, timeoutMs: number): DatabaseSync | undefined {
  const db = new DatabaseSync(path, { timeout: timeoutMs });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    if (sqliteCode(error) === SQLITE_BUSY) return undefined;
    throw error;
  }
}

function removeAndUnlock(db: DatabaseSync, path: string): void {
  if (!db.isOpen) return;
  rmSync(path, { force: true });
  held.delete(db);
  db.close();
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** Makes an empty file that nobody can have locked yet, or finds the one that another process made first. */
function create(path: string): bigint | undefined {
  try {
    closeSync(openSync(path, 'wx'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return inodeOf(path);
}

function lockFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter(name => name.endsWith(SUFFIX));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw fromSqlite(error, folder);
  }
}

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { checkEntryKey, checkKind, entryJson, kindOfSpace } from '#adapters/key-value-entry.ts';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';
import { fromSqlite } from './sqlite-error.ts';

/**
 * Entries in the database of a data folder, from `openDatabase`, which stays the caller's to close. Each write is one statement and so
 * one transaction; the lists are as current as `get`.
 */
export function createSqliteKeyValueStore(db: DatabaseSync): KeyValueStore {
  const file = db.location() ?? ':memory:';
  const sql = prepare(db);

  async function access<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw fromSqlite(error, file);
    }
  }

  return {
    get: (space, name) =>
      access(() => {
        checkEntryKey(space, name);
        return parse(sql.get.get(space, name));
      }),

    create: entry => access(() => write(sql.create, columns(entry))),
    replace: entry => access(() => write(sql.replace, { ...columns(entry), version: entry.version })),
    put: entry => access(() => write(sql.put, columns(entry)) as KeyValueEntry),

    remove: (space, name) =>
      access(() => {
        checkEntryKey(space, name);
        sql.remove.run(space, name);
      }),

    list: (space, { limit, after }) =>
      access(() => {
        checkEntryKey(space, after ?? '');
        return parseAll(after === undefined ? sql.list.all(space, limit) : sql.listAfter.all(space, after, limit));
      }),

    listDue: (kind, beforeMs, limit) =>
      access(() => {
        checkKind(kind);
        return parseAll(sql.due.all(kind, beforeMs, limit));
      }),

    removeExpired: (beforeMs, limit) => access(() => Number(sql.removeExpired.run(beforeMs, limit).changes)),
  };
}

type Row = Record<string, SQLOutputValue>;
type Values = Record<string, string | number | null>;

/** The row written. `all` and not `get`: the commit comes with the end of the rows, and `get` stops before it and passes over its error. */
function write(statement: StatementSync, values: Values): KeyValueEntry | undefined {
  return parse(statement.all(values)[0]);
}

function columns(entry: Omit<KeyValueEntry, 'version'>): Values {
  const value = entryJson(entry);
  const { space, name, expiresAtMs, dueAtMs } = entry;
  return { space, name, kind: kindOfSpace(space), value, expires_at_ms: expiresAtMs, due_at_ms: dueAtMs };
}

function parse(row: Row | undefined): KeyValueEntry | undefined {
  if (row === undefined) return undefined;
  return {
    space: String(row.space),
    name: String(row.name),
    value: JSON.parse(String(row.value)),
    expiresAtMs: row.expires_at_ms === null ? null : Number(row.expires_at_ms),
    dueAtMs: row.due_at_ms === null ? null : Number(row.due_at_ms),
    version: Number(row.version),
  };
}

function parseAll(rows: readonly Row[]): readonly KeyValueEntry[] {
  return rows.flatMap(row => parse(row) ?? []);
}

function prepare(db: DatabaseSync) {
  const read = 'SELECT * FROM entries WHERE';
  const insert = `INSERT INTO entries (space, name, kind, value, expires_at_ms, due_at_ms, version)
                  VALUES (:space, :name, :kind, :value, :expires_at_ms, :due_at_ms, 1) ON CONFLICT (space, name) DO`;
  return {
    get: db.prepare(`${read} space = ? AND name = ?`),
    create: db.prepare(`${insert} NOTHING RETURNING *`),
    // Not `version = 1`: whoever holds the version that was there must not be able to replace this one.
    put: db.prepare(
      `${insert} UPDATE SET value = excluded.value, expires_at_ms = excluded.expires_at_ms, due_at_ms = excluded.due_at_ms,
         version = version + 1 RETURNING *`,
    ),
    replace: db.prepare(
      `UPDATE entries SET value = :value, expires_at_ms = :expires_at_ms, due_at_ms = :due_at_ms, version = version + 1
       WHERE space = :space AND name = :name AND kind = :kind AND version = :version RETURNING *`,
    ),
    remove: db.prepare('DELETE FROM entries WHERE space = ? AND name = ?'),
    // Text compares as its UTF-8 bytes.
    list: db.prepare(`${read} space = ? ORDER BY name LIMIT ?`),
    listAfter: db.prepare(`${read} space = ? AND name > ? ORDER BY name LIMIT ?`),
    due: db.prepare(`${read} kind = ? AND due_at_ms <= ? ORDER BY due_at_ms, space, name LIMIT ?`),
    removeExpired: db.prepare(
      `DELETE FROM entries WHERE (space, name) IN
         (SELECT space, name FROM entries WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
    ),
  };
}

import { checkEntryKey, checkKind, entryJson } from '#adapters/key-value-entry.ts';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';

export interface MemoryKeyValueStore extends KeyValueStore {
  /** All entries, for looking into. */
  entries(): readonly KeyValueEntry[];
}

interface Row extends Omit<KeyValueEntry, 'value'> {
  readonly json: string;
  parsed?: { readonly value: unknown };
}

/** The KeyValueStore port in memory, by its contract; a value is kept as JSON, so nobody holds a part of the store by reference. */
export function createMemoryKeyValueStore(): MemoryKeyValueStore {
  const spaces = new Map<string, Map<string, Row>>();
  // What has a due time, and what expires, is not looked for among all the rest.
  const due = new Set<Row>();
  const expiring = new Set<Row>();
  const there = (space: string, name: string) => spaces.get(space)?.get(name);
  const rows = () => [...spaces.values()].flatMap(names => [...names.values()]);
  const drop = (space: string, name: string) => {
    const row = there(space, name);
    if (row === undefined) return;
    spaces.get(space)?.delete(name);
    due.delete(row);
    expiring.delete(row);
  };
  const write = (entry: Omit<KeyValueEntry, 'version'>, json: string, version: number): KeyValueEntry => {
    const { space, name, expiresAtMs, dueAtMs } = entry;
    const row: Row = { space, name, json, expiresAtMs, dueAtMs, version };
    const before = there(space, name);
    if (before !== undefined) {
      due.delete(before);
      expiring.delete(before);
    }
    const names = spaces.get(space) ?? new Map<string, Row>();
    spaces.set(space, names.set(name, row));
    if (dueAtMs !== null) due.add(row);
    if (expiresAtMs !== null) expiring.add(row);
    return read(row);
  };
  return {
    async get(space, name) {
      checkEntryKey(space, name);
      const row = there(space, name);
      return row === undefined ? undefined : read(row);
    },
    async create(entry) {
      const json = entryJson(entry);
      return there(entry.space, entry.name) === undefined ? write(entry, json, 1) : undefined;
    },
    async replace(entry) {
      const json = entryJson(entry);
      const { space, name, version } = entry;
      return there(space, name)?.version === version ? write(entry, json, version + 1) : undefined;
    },
    async put(entry) {
      return write(entry, entryJson(entry), (there(entry.space, entry.name)?.version ?? 0) + 1);
    },
    async remove(space, name) {
      checkEntryKey(space, name);
      drop(space, name);
    },
    async list(space, { limit, after }) {
      checkEntryKey(space, after ?? '');
      const found = [...(spaces.get(space)?.values() ?? [])];
      const wanted = found.filter(row => after === undefined || compare(row.name, after) > 0);
      return wanted
        .sort((a, b) => compare(a.name, b.name))
        .slice(0, limit)
        .map(read);
    },
    async listDue(kind, beforeMs, limit) {
      checkKind(kind);
      const found = [...due].filter(row => row.dueAtMs! <= beforeMs && row.space.startsWith(`${kind}/`));
      const order = (a: Row, b: Row) =>
        (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0) || compare(a.space, b.space) || compare(a.name, b.name);
      return found.sort(order).slice(0, limit).map(read);
    },
    async removeExpired(beforeMs, limit) {
      const over = [...expiring].filter(row => row.expiresAtMs! <= beforeMs);
      const gone = over.sort((a, b) => (a.expiresAtMs ?? 0) - (b.expiresAtMs ?? 0)).slice(0, limit);
      for (const { space, name } of gone) drop(space, name);
      return gone.length;
    },
    entries: () => rows().map(read),
  };
}

/** What is written is rarely looked at: then its value is made, once for all who read it, and nobody can change it. */
function read(row: Row): KeyValueEntry {
  const { space, name, expiresAtMs, dueAtMs, version } = row;
  return {
    ...{ space, name, expiresAtMs, dueAtMs, version },
    get value() {
      row.parsed ??= { value: frozen(JSON.parse(row.json)) };
      return row.parsed.value;
    },
  };
}

function frozen(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** By UTF-8 bytes. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

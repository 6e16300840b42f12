import { checkEntryKey, checkKind, entryJson, kindOfSpace } from '#adapters/key-value-entry.ts';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';

export interface MemoryKeyValueStore extends KeyValueStore {
  /** All entries, for looking into. */
  entries(): readonly KeyValueEntry[];
}

interface Row extends Omit<KeyValueEntry, 'value'> {
  readonly json: string;
}

/** The KeyValueStore port in memory, by its contract; a value is kept as JSON, so nobody holds a part of the store by reference. */
export function createMemoryKeyValueStore(): MemoryKeyValueStore {
  const spaces = new Map<string, Map<string, Row>>();
  const there = (space: string, name: string) => spaces.get(space)?.get(name);
  const rows = () => [...spaces.values()].flatMap(names => [...names.values()]);
  const write = (entry: Omit<KeyValueEntry, 'version'>, version: number): KeyValueEntry => {
    const { space, name, expiresAtMs, dueAtMs } = entry;
    const row = { space, name, json: entryJson(entry), expiresAtMs, dueAtMs, version };
    const names = spaces.get(space) ?? new Map<string, Row>();
    spaces.set(space, names.set(name, row));
    return read(row);
  };
  return {
    async get(space, name) {
      checkEntryKey(space, name);
      const row = there(space, name);
      return row === undefined ? undefined : read(row);
    },
    async create(entry) {
      entryJson(entry);
      return there(entry.space, entry.name) === undefined ? write(entry, 1) : undefined;
    },
    async replace(entry) {
      entryJson(entry);
      return there(entry.space, entry.name)?.version === entry.version ? write(entry, entry.version + 1) : undefined;
    },
    async put(entry) {
      entryJson(entry);
      return write(entry, (there(entry.space, entry.name)?.version ?? 0) + 1);
    },
    async remove(space, name) {
      checkEntryKey(space, name);
      spaces.get(space)?.delete(name);
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
      const ofKind = [...spaces].flatMap(([space, names]) => (kindOfSpace(space) === kind ? [...names.values()] : []));
      const due = ofKind.filter(row => row.dueAtMs !== null && row.dueAtMs <= beforeMs);
      const order = (a: Row, b: Row) =>
        (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0) || compare(a.space, b.space) || compare(a.name, b.name);
      return due.sort(order).slice(0, limit).map(read);
    },
    async removeExpired(beforeMs, limit) {
      const over = rows().filter(row => row.expiresAtMs !== null && row.expiresAtMs <= beforeMs);
      const gone = over.sort((a, b) => (a.expiresAtMs ?? 0) - (b.expiresAtMs ?? 0)).slice(0, limit);
      for (const { space, name } of gone) spaces.get(space)?.delete(name);
      return gone.length;
    },
    entries: () => rows().map(read),
  };
}

function read({ json, ...entry }: Row): KeyValueEntry {
  return { ...entry, value: JSON.parse(json) };
}

/** By UTF-8 bytes. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

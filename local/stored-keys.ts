import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { databaseFile, openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { isLive, type KeyRecord, keySpace } from '#core/accounts/key-record.ts';
import type { KeyValueStore } from '#core/ports.ts';

const PAGE = 100;

/** Whether a data folder has a key that opens something now. Makes no folder: one that is not there has none. */
export async function hasStoredKeys(dataFolder: string, nowMs: number): Promise<boolean> {
  const folder = resolve(dataFolder);
  if (!existsSync(databaseFile(folder))) return false;
  const db = openDatabase(folder);
  try {
    return await hasLiveKey(createSqliteKeyValueStore(db), nowMs);
  } finally {
    db.close();
  }
}

async function hasLiveKey(kv: KeyValueStore, nowMs: number): Promise<boolean> {
  for (let after: string | undefined; ; ) {
    const entries = await kv.list(keySpace, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (entries.some(({ value }) => isLive(value as KeyRecord, nowMs))) return true;
    after = entries.at(-1)?.name;
    if (entries.length < PAGE) return false;
  }
}

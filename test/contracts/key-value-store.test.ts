import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { startAwsServers } from './aws-servers.ts';
import { keyValueStoreContract } from './key-value-store.contract.ts';
import { temporaryFolder } from './local-folder.ts';

keyValueStoreContract('SQLite', async () => {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  return {
    kv: createSqliteKeyValueStore(db),
    close: async () => {
      db.close();
      folder.remove();
    },
  };
});

keyValueStoreContract('DynamoDB', startAwsServers);

import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { startAwsServers } from './aws-servers.ts';
import { jobStoreContract } from './job-store.contract.ts';
import { temporaryFolder } from './local-folder.ts';

jobStoreContract('SQLite', async () => {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  return {
    store: createSqliteJobStore(db),
    close: async () => {
      db.close();
      folder.remove();
    },
  };
});

jobStoreContract('DynamoDB', startAwsServers);

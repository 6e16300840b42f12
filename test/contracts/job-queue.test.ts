import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue } from '#adapters/local/sqlite-job-queue.ts';
import { startAwsServers } from './aws-servers.ts';
import { jobQueueContract } from './job-queue.contract.ts';
import { temporaryFolder } from './local-folder.ts';

jobQueueContract('SQLite', async () => {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  return {
    queue: createSqliteJobQueue(db, { owner: 'test', now: Date.now }),
    close: async () => {
      db.close();
      folder.remove();
    },
  };
});

jobQueueContract('SQS', startAwsServers);

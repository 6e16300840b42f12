/**
 * @file A process that watches a drop folder: `drop-process.ts '<DropSetup as JSON>'`. Says `watching`. It has the real `submit` and
 * SQLite, and ends every job at once with a few bytes; SIGTERM ends it.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDrop } from '#adapters/local/drop-watcher.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { CARD } from '#test/core/model-card.ts';
import { finishJob, finishJobs, TENANT } from '#test/drop/drop-world.ts';

export interface DropSetup {
  /** Holds `data` and `drop`. */
  readonly folder: string;
  /** false: no events reach it. */
  readonly watch: boolean;
}

const setup = JSON.parse(process.argv[2]!) as DropSetup;
// Whoever started us is gone: nobody would end this.
process.stdin.resume().once('end', () => process.exit(3));

const data = join(setup.folder, 'data');
const ports = createLocalPorts({
  db: openDatabase(data),
  folder: data,
  owner: `drop-${process.pid}`,
  models: [CARD],
  now: () => Date.now(),
});
const stop = new AbortController();
const log = (level: string, message: string, fields: Record<string, unknown>) => {
  if (level === 'error') console.log(`trouble: ${message} ${JSON.stringify(fields)}`);
};
const options = { folder: join(setup.folder, 'drop'), tenant: TENANT, watch: setup.watch };
const { stopped } = await startDrop({ ...ports, log }, options, stop.signal);
process.once('SIGTERM', () => stop.abort());
console.log('watching');

// What the one before us had begun.
for (const job of await ports.store.listRunning(1_000)) await finishJob(ports, job);
while (!stop.signal.aborted) {
  await finishJobs(ports, 50);
  await sleep(50);
}
await stopped;
process.exit(0);

/**
 * @file A worker as a process: `worker-process.ts '<WorkerSetup as JSON>'`. Says `working`; SIGTERM drains it and it exits with 0.
 */
import { openEmbedded } from '#local/embedded.ts';
import { openFaultyWorker } from './faulty-worker.ts';
import type { WorkerSetup } from './worker-setup.ts';

const setup = JSON.parse(process.argv[2]!) as WorkerSetup;
// Whoever started us is gone: an orphan would go on to take jobs of a folder that nobody watches.
process.stdin.resume().once('end', () => process.exit(3));

const close = await open();
process.once('SIGTERM', () => {
  close().then(
    () => process.exit(0),
    error => {
      console.error(error);
      process.exit(1);
    },
  );
});
console.log('working');

async function open(): Promise<() => Promise<void>> {
  const { faults, ...product } = setup;
  if (faults !== undefined) return openFaultyWorker(product, faults);
  const embedded = await openEmbedded(product);
  embedded.work();
  return () => embedded.close();
}

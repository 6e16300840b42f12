/** A number of workers on one data folder, each of which is replaced when it is gone. */
import { type OwnProcess, startWorker, stopAll } from './processes.ts';
import type { WorkerSetup } from './worker-setup.ts';

export interface Crew {
  readonly workers: readonly OwnProcess[];
  /** Kills a worker with its render child, or alone, and starts another in its place. Resolves when the killed one is gone. */
  replace(worker: OwnProcess, how?: 'alone'): Promise<void>;
  /** All that live are drained; their exit codes. */
  stop(): Promise<readonly (number | NodeJS.Signals)[]>;
}

/** Starts them; resolves when all receive. */
export async function startCrew(size: number, setup: WorkerSetup): Promise<Crew> {
  const workers = Array.from({ length: size }, () => startWorker(setup));
  await Promise.all(workers.map(worker => worker.said(/^working/m)));
  return {
    workers,
    replace: async (worker, how) => {
      if (how === 'alone') worker.signal('SIGKILL');
      else worker.signalGroup('SIGKILL');
      await worker.exited;
      workers[workers.indexOf(worker)] = startWorker(setup);
    },
    stop: async () => {
      await stopAll(workers);
      return Promise.all(workers.map(worker => worker.exited));
    },
  };
}

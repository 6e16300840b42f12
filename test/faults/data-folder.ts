/** The run's own view of a data folder, beside the processes that work on it: submits, looks, waits. It leases and sweeps nothing. */
import { join } from 'node:path';
import { holdLock } from '#adapters/local/process-lock.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Job } from '#core/job.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { findBundles } from '#local/bundles.ts';
import { LOCAL_TENANT } from '#local/embedded.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import type { OwnProcess } from './processes.ts';
import type { Stage } from './stage.ts';

export interface DataFolder {
  readonly folder: string;
  readonly ports: SubmitPorts;
  /** A durable job, as the API makes it. */
  submit(fields: Record<string, unknown>): Promise<Job>;
  cancel(id: string): Promise<Job>;
  job(id: string): Promise<Job>;
  /** Records in progress that this process holds. */
  heldBy(process: Pick<OwnProcess, 'pid'>): Promise<readonly Job[]>;
  /** Jobs that are not over. */
  active(): Promise<number>;
  /** Waits until every job is over and no record owes anything. */
  ended(stage: Stage, mostMs: number): Promise<void>;
  close(): void;
}

/** Opens it, making it if need be. */
export async function openDataFolder(
  folder: string,
  modelsFolder: string,
  now: () => number = Date.now,
): Promise<DataFolder> {
  const db = openDatabase(folder);
  const owner = `run-${process.pid}`;
  const lock = holdLock(join(folder, 'owners', `${owner}.lock`));
  const models = (await findBundles(modelsFolder)).installed.map(bundle => bundle.card);
  const ports = createLocalPorts({ db, folder, owner, now, models });
  const { store } = ports;
  const most = 1_000_000;
  const active = async () => (await store.countQueued(most)) + (await store.listRunning(most)).length;
  return {
    folder,
    ports,
    submit: fields => submit(ports, LOCAL_TENANT, { prompt: 'a red circle', seed: 1, ...fields }),
    cancel: id => cancel(ports, LOCAL_TENANT, id),
    job: async id => (await store.load(id))!,
    heldBy: async ({ pid }) =>
      (await store.listRunning(most)).filter(job => job.lease?.owner.includes(`-${pid}-`) === true),
    active,
    ended: (stage, mostMs) =>
      stage.until(
        'the end of all jobs',
        async () => {
          if ((await active()) > 0) return undefined;
          return (await store.listOutboxDue(Number.MAX_SAFE_INTEGER, 1)).length === 0 ? true : undefined;
        },
        mostMs,
        50,
      ) as unknown as Promise<void>,
    close: () => {
      db.close();
      lock?.release();
    },
  };
}

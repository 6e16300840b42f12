import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningDrop, startDrop } from '#adapters/local/drop-watcher.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Receipt } from '#core/drop/papers.ts';
import type { SeenRow } from '#core/drop/registry.ts';
import type { Job } from '#core/job.ts';
import { endJob } from '#core/jobs/end.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import { artifactKey, receiptKey } from '#core/keys.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { CARD } from '#test/core/model-card.ts';
import { someMarking } from '#test/worker/marks-for.ts';

export const TENANT = 'local';

/** A data folder with its drop folder, and the real `submit` on it. */
export interface DropWorld {
  readonly ports: SubmitPorts;
  readonly folder: string;
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[];
  /** Starts to watch; stops what was started before. */
  start(overrides?: Partial<SubmitPorts>): Promise<RunningDrop>;
  stop(): Promise<void>;
  /** Written in the watched folder itself. */
  put(name: string, content: string | Buffer): void;
  /** Written elsewhere, some time ago, and moved in: whole at first sight. */
  moveIn(name: string | Buffer, content: string | Buffer): void;
  inFolder(): string[];
  /** Names in one of the four folders; undecodable bytes as they come. */
  names(place: string): string[];
  json(place: string, name: string): any;
  receipts(): Receipt[];
  /** One row a drop that has its outcome. */
  outcomes(): Promise<SeenRow[]>;
  /** Ends every queued job as completed, each with its own bytes. */
  finishJobs(): Promise<number>;
  close(): Promise<void>;
}

export function openDropWorld(models = [CARD]): DropWorld {
  const { path: root, remove } = temporaryFolder();
  const db = openDatabase(join(root, 'data'));
  const now = () => Date.now();
  const ports = createLocalPorts({ db, folder: join(root, 'data'), owner: 'test', models, now });
  const folder = join(root, 'drop');
  mkdirSync(join(folder, 'in'), { recursive: true });
  const log: DropWorld['log'] = [];
  let running: { drop: RunningDrop; stop: AbortController } | undefined;
  const names = (place: string) => readdirSync(join(folder, place)).sort();
  const json = (place: string, name: string) => JSON.parse(readFileSync(join(folder, place, name), 'utf8'));
  const world: DropWorld = {
    ports,
    folder,
    log,
    async start(overrides = {}) {
      await world.stop();
      const stop = new AbortController();
      const logged = {
        ...ports,
        ...overrides,
        log: (level: string, message: string, fields: any) => void log.push({ level, message, fields }),
      };
      const drop = await startDrop(logged, { folder, tenant: TENANT }, stop.signal);
      running = { drop, stop };
      return drop;
    },
    async stop() {
      running?.stop.abort();
      await running?.drop.stopped;
      running = undefined;
    },
    put: (name, content) => writeFileSync(join(folder, 'in', name), content),
    moveIn(name, content) {
      const staged = join(folder, `staged-${Math.random()}`);
      writeFileSync(staged, content);
      utimesSync(staged, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
      renameSync(staged, Buffer.concat([Buffer.from(join(folder, 'in/')), Buffer.from(name)]));
    },
    inFolder: () => names('in'),
    names,
    json,
    receipts: () =>
      names('out')
        .filter(name => name.endsWith('.receipt.json'))
        .map(name => json('out', name)),
    outcomes: () => allRows<SeenRow>(ports, 'drop_seen'),
    finishJobs: () => finishJobs(ports),
    async close() {
      await world.stop();
      db.close();
      remove();
    },
  };
  return world;
}

/** All values of a space, page by page. */
export async function allRows<T>(ports: Pick<SubmitPorts, 'kv'>, kind: string): Promise<T[]> {
  const rows: T[] = [];
  let after: string | undefined;
  do {
    const page = await ports.kv.list(`${kind}/${TENANT}`, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    rows.push(...page.map(({ value }) => value as T));
    after = page.length < 1_000 ? undefined : page.at(-1)?.name;
  } while (after !== undefined);
  return rows;
}

/** What a worker would do, without a model: each job completes with a few bytes of its own. Returns how many it ended. */
export async function finishJobs(ports: SubmitPorts, most = Number.POSITIVE_INFINITY): Promise<number> {
  for (let ended = 0; ; ended++) {
    const [job] = ended < most ? await ports.store.listQueueHeads(ports.now(), 1) : [];
    if (job === undefined) return ended;
    await finishJob(ports, job);
  }
}

/** Completes one job that waits, or that a killed process had begun. */
export async function finishJob(ports: SubmitPorts, job: Job): Promise<void> {
  const lease = { owner: 'test', expiresAtMs: ports.now() + 60_000 };
  const { status, attempt } = job;
  const change = { status: 'in_progress', attempt: attempt + 1, lease } as const;
  const running = await ports.store.transition(job.id, { status, attempt }, change);
  if (running === undefined) return;
  const key = artifactKey(running, running.attempt, 'video');
  const bytes = videoBytes(job.id);
  await ports.blobs.put(key, bytes, { contentType: 'video/mp4' });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const artifact = { key, contentType: 'video/mp4', bytes: bytes.length, sha256 };
  const artifacts = { video: artifact, thumbnail: artifact, spritesheet: artifact };
  const receipt = { key: receiptKey(running, running.attempt), bytes: 2, sha256, requestKey: sha256 };
  await endJob(ports.store, running, {
    status: 'completed',
    artifacts,
    receipt,
    marking: someMarking,
    nowMs: ports.now(),
  });
}

/** Bytes that look like an MP4 and belong to one job. */
export function videoBytes(jobId: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), Buffer.alloc(16), Buffer.from(jobId)]);
}

/** Looks until it is so; throws what it saw last when it never is. */
export async function until<T>(look: () => T | Promise<T>, isSo: (seen: T) => boolean, seconds = 20): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (Date.now() > deadline)
      throw new Error(`waited ${seconds} s; saw at last: ${JSON.stringify(seen)?.slice(0, 800)}`);
    await sleep(50);
  }
}

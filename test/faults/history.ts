/** What is on disk when a run is over: records, events, log, bytes, letters. Read only; the judgement is in judge.ts. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { readEvents } from '#adapters/local/local-event-bus.ts';
import { openSealing } from '#adapters/local/master-key-file.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import type { CloudEvent } from '#core/events.ts';
import type { Job } from '#core/job.ts';
import { LOCAL_TENANT } from '#local/embedded.ts';

export interface StoredFile {
  readonly bytes: number;
  readonly sha256: string;
}

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly jobId?: string;
  readonly attempt?: number;
  readonly code?: string;
  /** Of `job started`: the step of the checkpoint it goes on from. */
  readonly from?: number;
  /** Of a drain's `job interrupted`: the step of the checkpoint that was kept. */
  readonly step?: number;
}

export interface Letter {
  readonly jobId: string;
  readonly reason: string | null;
}

export interface History {
  readonly jobs: readonly Job[];
  readonly events: readonly CloudEvent[];
  readonly log: readonly LogLine[];
  /** Lines of the log that a kill left in pieces. */
  readonly tornLogLines: number;
  /** Every file of the blob store by its path below blobs/, temporary ones included. */
  readonly files: ReadonlyMap<string, StoredFile>;
  readonly letters: readonly Letter[];
  /** Messages of the job queue, waiting or held. */
  readonly messages: number;
  /** Folders that attempts left behind. */
  readonly scratch: readonly string[];
}

/** Reads it all; no process should be working on the folder any more. */
export async function readHistory(folder: string): Promise<History> {
  const db = openDatabase(folder);
  try {
    // Opened as the product opens it: jobs whose prompts differ are no equal requests.
    const sealing = openSealing(folder, { kv: createSqliteKeyValueStore(db), now: Date.now });
    const { jobs } = await sealing
      .store(createSqliteJobStore(db))
      .list(LOCAL_TENANT, { limit: 1_000_000, order: 'asc' });
    const rows = db.prepare('SELECT queue, job_id, reason FROM messages ORDER BY id').all();
    const letters = rows.filter(row => row.queue === 'dead_letters');
    const events: CloudEvent[] = [];
    for await (const event of readEvents(join(folder, 'events.jsonl'))) events.push(event);
    const log = await readLog(folder);
    return {
      jobs,
      events,
      log: log.filter(line => line !== undefined),
      tornLogLines: log.filter(line => line === undefined).length,
      files: await readFiles(join(folder, 'blobs')),
      letters: letters.map(row => ({ jobId: String(row.job_id), reason: row.reason as string | null })),
      messages: rows.length - letters.length,
      scratch: await foldersIn(join(folder, 'scratch')),
    };
  } finally {
    db.close();
  }
}

/** The older part first. */
async function readLog(folder: string): Promise<readonly (LogLine | undefined)[]> {
  const lines: (LogLine | undefined)[] = [];
  for (const name of ['log.1.jsonl', 'log.jsonl']) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    for (const line of text.split('\n')) if (line !== '') lines.push(parse(line));
  }
  return lines;
}

function parse(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}

async function readFiles(root: string): Promise<ReadonlyMap<string, StoredFile>> {
  const files = new Map<string, StoredFile>();
  if (!existsSync(root)) return files;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    files.set(relative(root, path).split(sep).join('/'), { bytes: bytes.length, sha256 });
  }
  return files;
}

/** Attempt folders; the folder of a living or cleanly ended owner may stay, empty. */
async function foldersIn(root: string): Promise<readonly string[]> {
  const owners = await readdir(root).catch(() => []);
  const attempts = owners.map(async owner => (await readdir(join(root, owner))).map(name => join(owner, name)));
  return (await Promise.all(attempts)).flat();
}

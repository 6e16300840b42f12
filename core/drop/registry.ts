/** What the drop folder remembers, in the KeyValueStore: every step reads and writes here, so that a crash anywhere repeats nothing. */
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import { dropLimits } from './drop-limits.ts';
import type { ErrorPaper, Receipt, SourceFile } from './papers.ts';

/** How a drop ended: each gets one of these, once. */
export type Outcome = 'accepted' | 'duplicate' | 'rejected' | 'skipped';

/** A file that came with another. */
export interface PartFile extends SourceFile {
  readonly identity: string;
  /** Its name as it is, to find it by. */
  readonly plainName: string;
}

/** `drop_seen/<tenant>`, by identity: the one outcome of a file. Whoever finds it carries it out again and decides nothing. */
export interface SeenRow {
  readonly outcome: Outcome;
  readonly source: SourceFile;
  readonly parts: readonly PartFile[];
  /** Jobs that were made, or that were there already. */
  readonly jobs: readonly { readonly id: string; readonly line: number | null }[];
  /** Stem of the videos in out/, which a duplicate shares with the first. */
  readonly stem: string;
  /** Why it was skipped. */
  readonly reason: string | null;
  readonly error: ErrorPaper['error'] | null;
  /** Names in rejected/: of the error file, and of the source where its own name is taken. */
  readonly rejectedAs: { readonly paper: string; readonly source: string | null } | null;
  /** Set in the row of a sidecar: the identity of the file it came with. */
  readonly partOf: string | null;
  readonly atMs: number;
}

/** `drop_content/<tenant>`, by hash of request and files: the jobs that this content has. */
export interface ContentRow {
  /** Identity of the drop that was first. */
  readonly source: string;
  readonly jobIds: readonly string[];
  readonly stem: string;
  /** 1, and one more each time the content was dropped again after its jobs had failed or gone. */
  readonly generation: number;
}

/** `drop_open/<tenant>`, by job and source: a receipt that is to be rewritten when the job has ended. */
export interface OpenRow {
  readonly receipt: Receipt;
  readonly receiptFile: string;
  readonly outputFile: string;
}

/** `drop_key/<tenant>`, by hash of bucket and key: what was last done about an object in S3. */
export interface KeyRow {
  readonly identity: string;
  readonly sequencer: string | null;
  readonly etag: string;
  readonly modifiedSeconds: number;
}

interface Rows {
  drop_seen: SeenRow;
  drop_content: ContentRow;
  drop_open: OpenRow;
  drop_key: KeyRow;
  /** By sha256: videos that we put into out/. */
  drop_output: { readonly jobId: string };
}

/** The kinds of rows. */
export type RowKind = keyof Rows;

/** A row with what is needed to replace it. */
export interface Row<K extends RowKind> {
  readonly value: Rows[K];
  readonly entry: KeyValueEntry;
}

/** What the registry needs. */
export interface RegistryPorts {
  readonly kv: KeyValueStore;
  readonly now: () => number;
  readonly tenant: string;
}

const KEEP_MS = dropLimits.registryDays * 86_400_000;

/** A row, undefined where none is. Rows in use are kept: reading one that is half over gives it a new life. */
export async function readRow<K extends RowKind>(
  ports: RegistryPorts,
  kind: K,
  name: string,
): Promise<Row<K> | undefined> {
  const entry = await ports.kv.get(`${kind}/${ports.tenant}`, name);
  if (entry === undefined) return undefined;
  const leftMs = (entry.expiresAtMs ?? Number.POSITIVE_INFINITY) - ports.now();
  if (leftMs <= 0) return undefined;
  if (leftMs < KEEP_MS / 2) await ports.kv.replace({ ...entry, expiresAtMs: ports.now() + KEEP_MS });
  return { value: entry.value as Rows[K], entry };
}

/** Writes a row if none is there; false when one is. */
export async function createRow<K extends RowKind>(
  ports: RegistryPorts,
  kind: K,
  name: string,
  value: Rows[K],
): Promise<boolean> {
  const entry = { space: `${kind}/${ports.tenant}`, name, value, expiresAtMs: ports.now() + KEEP_MS, dueAtMs: null };
  if ((await ports.kv.create(entry)) !== undefined) return true;
  const there = await ports.kv.get(entry.space, name);
  if (there === undefined || there.expiresAtMs === null || there.expiresAtMs > ports.now()) return false;
  return (await ports.kv.replace({ ...entry, version: there.version })) !== undefined;
}

/** Writes a row over the one that was read; false when it has changed since. */
export async function replaceRow<K extends RowKind>(
  ports: RegistryPorts,
  { entry }: Row<K>,
  value: Rows[K],
): Promise<boolean> {
  return (await ports.kv.replace({ ...entry, value, expiresAtMs: ports.now() + KEEP_MS })) !== undefined;
}

/** Forgets a row; an unknown one is fine. */
export function removeRow(ports: RegistryPorts, kind: RowKind, name: string): Promise<void> {
  return ports.kv.remove(`${kind}/${ports.tenant}`, name);
}

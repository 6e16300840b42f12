/** @file An export of the audit ledger as a folder: written, and read again by whoever verifies it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { auditLimits } from '#core/audit/audit-limits.ts';
import { segmentFiles, segmentName } from '#core/audit/close-segment.ts';
import { type ExportFile, type ExportIndex, exportFiles } from '#core/audit/export-ledger.ts';
import type { LedgerReader } from '#core/audit/ledger-reader.ts';
import { linesOf } from '#core/audit/ledger-text.ts';
import { ReelayError } from '#core/errors.ts';

/** How an export is going to be verified. */
export interface ExportedLedger {
  readonly index: ExportIndex;
  readonly reader: LedgerReader;
  /** The texts of the keys and of the anchor that it brings along: whoever trusts them trusts the export. */
  readonly keys: string;
  readonly anchor: string;
}

/**
 * Writes an export into a folder that is not there yet, or empty; it has its name only once it is whole. Throws `invalid_request` for one
 * that holds something.
 */
export async function writeExport(folder: string, files: AsyncIterable<ExportFile>): Promise<{ files: number }> {
  const partial = `${folder}.partial`;
  await mkdir(partial, { recursive: false }).catch(error => {
    throw refused(folder, `${partial} cannot be made; remove what an earlier export left`, error);
  });
  const sums: string[] = [];
  for await (const { path, text } of files) sums.push(`${await writeFile(partial, path, text)}  ${path}\n`);
  await writeFile(partial, exportFiles.sums, sums.join(''));
  // On an empty folder, or none.
  await rename(partial, folder).catch(error => {
    throw refused(folder, 'it is there and not empty; name another folder', error);
  });
  return { files: sums.length + 1 };
}

async function writeFile(folder: string, path: string, text: ExportFile['text']): Promise<string> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  const hash = createHash('sha256');
  const handle = await open(full, 'wx', 0o600);
  try {
    for await (const part of typeof text === 'string' ? [text] : text) {
      hash.update(part);
      await handle.write(part);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** An export, without a look at what it says. Throws `invalid_request` for a folder that is none. */
export async function readExport(folder: string): Promise<ExportedLedger> {
  const textOf = (name: string) =>
    readFile(join(folder, name), 'utf8').catch(error => {
      throw refused(folder, `it has no ${name}`, error);
    });
  const index = indexOf(folder, await textOf(exportFiles.index));
  const segments = new Map(index.shards.map(({ shard, segments }) => [shard, segments]));
  const linesIn = async (path: string) => ((await isFile(path)) ? linesOf(createReadStream(path)) : undefined);
  return {
    index,
    keys: await textOf(exportFiles.keys),
    anchor: await textOf(exportFiles.anchor),
    reader: {
      shards: async () => [...segments.keys()],
      async segment(shard, segment) {
        if (segment > (segments.get(shard) ?? 0)) return undefined;
        const at = join(folder, shard, segmentName(segment));
        return {
          lines: await linesIn(join(at, segmentFiles.records)),
          checkpoint: await shortText(join(at, segmentFiles.checkpoint)),
        };
      },
      async *open(shard) {
        if (segments.has(shard)) yield* (await linesIn(join(folder, shard, exportFiles.open))) ?? [];
      },
    },
  };
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

function indexOf(folder: string, text: string): ExportIndex {
  let index: Partial<ExportIndex> | null = null;
  try {
    index = JSON.parse(text) as Partial<ExportIndex> | null;
  } catch {
    throw refused(folder, `its ${exportFiles.index} is not JSON`);
  }
  const { format, v, installation, shards } = index ?? {};
  const isOurs =
    format === 'reelay-audit-export' && v === 1 && typeof installation === 'string' && Array.isArray(shards);
  // A name leads to files: none may lead out of the folder.
  if (!isOurs || !shards.every(each => NAME.test(String(each?.shard)) && Number.isSafeInteger(each?.segments)))
    throw refused(folder, `its ${exportFiles.index} is not that of an audit export`);
  return { format, v, installation, shards };
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true;
}

/** One that is too long is read as an empty one, for which no signature holds. */
async function shortText(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) return undefined;
  return stats.size > auditLimits.statementBytes ? '' : readFile(path, 'latin1');
}

function refused(folder: string, why: string, cause?: unknown): ReelayError {
  return new ReelayError('invalid_request', `${folder}: ${why}.`, { cause });
}

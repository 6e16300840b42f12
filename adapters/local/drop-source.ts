import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync } from 'node:fs';
import type { DropSource } from '#core/drop/drop-folder.ts';
import { decodeName } from '#core/drop/utf8.ts';
import { isMissing } from './file-error.ts';

/** A dropped file as the file system knows it. */
export interface LocalSource extends DropSource {
  /** The name's own bytes, which need not be text. */
  readonly raw: Buffer;
  /** Device, inode, size and modification: the same file with the same bytes, whatever its name. */
  readonly body: string;
  /** Its inode was changed (named, chmodded, dated) so long after its last write; a writer at work leaves 0. */
  readonly quietMs: number;
}

/** A name in a folder, as bytes. */
export function pathIn(folder: string, raw: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), raw]);
}

/** Size, times and inode of an entry; undefined when it is gone. Does not follow links. */
export function statOf(path: string | Buffer): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What must be equal for a file to be the same version under the same name. */
export function versionOf(stats: BigIntStats): string {
  return `${bodyOf(stats)}:${stats.ctimeNs}`;
}

/** What a rename leaves as it is. */
export function bodyOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}

/**
 * The source of an entry. Its identity takes in the time of the inode's last change: a file that was refused and is put back
 * unchanged is a new drop.
 */
export function sourceOf(raw: Buffer, stats: BigIntStats): LocalSource {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'special';
  // A folder's times change with what lies in it; it stays the one thing that is passed over.
  const version = kind === 'file' ? versionOf(stats) : `${kind}:${stats.dev}:${stats.ino}`;
  return {
    identity: createHash('sha256').update(`${version}:`).update(raw).digest('hex'),
    name: decodeName(raw),
    folder: '',
    kind,
    bytes: Number(stats.size),
    shared: kind === 'file' && stats.nlink > 1n,
    ageMs: 0,
    raw,
    body: bodyOf(stats),
    quietMs: Number((stats.ctimeNs - stats.mtimeNs) / 1_000_000n),
  };
}

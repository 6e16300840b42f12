/** @file Receipts, videos and pictures on the disk, from anywhere: nothing is followed, and nothing is read that is too large to be what it says. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoName } from '#adapters/local/file-error.ts';
import { databaseFile } from '#adapters/local/sqlite.ts';
import { ReelayError } from '#core/errors.ts';
import type { ReceiptFile } from '#core/placement/receipt.ts';
import { sniffMedia } from '#core/references/media-type.ts';

/** What was found to verify. */
export interface Found {
  readonly receipts: readonly string[];
  /** Videos and pictures, and what a folder has under such a name. */
  readonly media: readonly string[];
  /** Those of them that are links in a folder: they are told and not followed. */
  readonly links: ReadonlySet<string>;
  /** Whether a folder was among what was given. */
  readonly hasFolder: boolean;
}

/** A year of videos of a small installation; a folder with more is given in parts. */
const MOST_FILES = 100_000;
const MOST_LEVELS = 16;
/** As they lie in a data folder or bucket, and as the API names its downloads. Receipts of the drop folder are another thing. */
const RECEIPT = /^(receipt|video_[a-z0-9_-]+\.receipt)\.json$/;
const VIDEO = /\.mp4$/i;
const MEDIA = /\.(mp4|m4v|mov|webm|png|jpe?g|webp)$/i;
/** Not read here. In a folder they count all the same: what cannot be looked at is not ours. */
const OTHER_MEDIA = /\.(avi|mkv|m2ts|mpe?g|wmv|flv|3gp|ogv|gif|heic|heif|avif|tiff?|bmp|jxl)$/i;
/** What tells the kinds of media apart. */
const MAGIC_BYTES = 32;

/** The files of the paths, and of the folders among them. Throws `invalid_request` for a path that is neither. */
export async function findFiles(paths: readonly string[]): Promise<Found> {
  const found = { receipts: [] as string[], media: [] as string[], links: new Set<string>() };
  let hasFolder = false;
  for (const path of paths) {
    const what = await stat(path).catch(error => {
      throw unreadable(path, error);
    });
    hasFolder ||= what.isDirectory();
    if (what.isDirectory()) await walk(deliveredIn(path), found, 0);
    else (MEDIA.test(path) || (what.isFile() && (await isMedia(path))) ? found.media : found.receipts).push(path);
  }
  return { ...found, hasFolder };
}

/** Of a data folder only what it delivers: what jobs were started from is not its own. */
function deliveredIn(folder: string): string {
  const videos = join(folder, 'blobs', 'videos');
  return existsSync(databaseFile(folder)) && existsSync(videos) ? videos : folder;
}

/** By the first bytes; what cannot be opened is told when it is read. */
async function isMedia(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    return sniffMedia(buffer.subarray(0, bytesRead)) !== undefined;
  } finally {
    await file.close();
  }
}

interface Finds {
  readonly receipts: string[];
  readonly media: string[];
  readonly links: Set<string>;
}

async function walk(folder: string, found: Finds, level: number): Promise<void> {
  if (level > MOST_LEVELS) throw tooMuch(folder, `folders more than ${MOST_LEVELS} levels deep`);
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    throw unreadable(folder, error);
  });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await walk(path, found, level + 1);
    else if (entry.isFile() && RECEIPT.test(entry.name)) found.receipts.push(path);
    else if (entry.isFile() && (isNamedMedia(entry.name) || (await isMedia(path)))) found.media.push(path);
    else if (entry.isSymbolicLink() && isNamedMedia(entry.name)) {
      found.media.push(path);
      found.links.add(path);
    }
    if (found.receipts.length + found.media.length > MOST_FILES) throw tooMuch(folder, `over ${MOST_FILES} files`);
  }
}

function isNamedMedia(name: string): boolean {
  return MEDIA.test(name) || OTHER_MEDIA.test(name);
}

/** Whether a receipt lies where that of a file is expected: beside it, under its name or the one it has in a data folder. */
export function liesBeside(receipt: string, media: string): boolean {
  if (dirname(receipt) !== dirname(media)) return false;
  const name = basename(receipt);
  return name === 'receipt.json' || name === basename(media).replace(VIDEO, '.receipt.json');
}

/** Where the receipt of a file that was given alone may lie. */
export function receiptPlaces(media: string): readonly string[] {
  const own = VIDEO.test(media) ? [media.replace(VIDEO, '.receipt.json')] : [];
  return [...own, join(dirname(media), 'receipt.json')];
}

/** The text of a small file. Throws `invalid_request` with a sentence for one that is none, too large, or not UTF-8. */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const bytes = await readSmall(path, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ReelayError('invalid_request', `${shown(path)}: it is not text in UTF-8.`);
  }
}

async function readSmall(path: string, maxBytes: number): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    // A pipe would be waited for, and a device never ends.
    if (!(await stat(path)).isFile()) throw new ReelayError('invalid_request', `${shown(path)}: it is not a file.`);
    file = await open(path, 'r');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0) return buffer.subarray(0, length);
      if (length > maxBytes)
        throw new ReelayError(
          'invalid_request',
          `${shown(path)}: it has more than the ${maxBytes} bytes that it may have.`,
        );
    }
  } catch (error) {
    throw error instanceof ReelayError ? error : unreadable(path, error);
  } finally {
    await file?.close();
  }
}

/** Length and hash of a file of any size. */
export async function measure(path: string): Promise<ReceiptFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    if (!(await stat(path)).isFile()) throw new ReelayError('invalid_request', `${shown(path)}: it is not a file.`);
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    throw error instanceof ReelayError ? error : unreadable(path, error);
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** A path for a person: what a terminal would obey, or an eye would take for something else, is written out. */
export function shown(path: string): string {
  return path.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    character => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

function unreadable(path: string, error: unknown): ReelayError {
  const why =
    errnoName(error) === 'ENOENT' ? 'there is no such file' : `it cannot be read (${errnoName(error) ?? 'unknown'})`;
  return new ReelayError('invalid_request', `${shown(path)}: ${why}.`, { cause: error });
}

function tooMuch(folder: string, what: string): ReelayError {
  return new ReelayError('invalid_request', `${shown(folder)}: it has ${what}; give its parts one by one.`);
}

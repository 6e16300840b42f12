/**
 * @file The keys that a data folder's videos are marked with, made at its first start, in a folder of their own:
 *
 *     marking/watermark-key.hex      32 bytes; whoever has it can read and forge the watermark
 *     marking/leaf.pem, leaf-key.pem what signs the C2PA manifests
 *     marking/root.pem               to give to whoever is to check them
 *     marking/root-key.keep-offline.pem   issues the next leaf and nothing else: it can be taken away
 *
 * The folder appears whole or not at all, so that of several first starts at once one makes the keys and all use them.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoName, fromFileSystem } from '#adapters/local/file-error.ts';
import { ReelayError } from '#core/errors.ts';
import {
  type KnowingKeys,
  knowingKeysFrom,
  type MarkingKeys,
  markingKeysFrom,
  WATERMARK_KEY_BYTES,
} from '#gpu-container/provenance/marking-keys.ts';

const FILES = {
  watermarkKey: 'watermark-key.hex',
  leaf: 'leaf.pem',
  leafKey: 'leaf-key.pem',
  root: 'root.pem',
  rootKey: 'root-key.keep-offline.pem',
} as const;
/** Nobody starts without these; the root's key may be elsewhere. */
const NEEDED = [FILES.watermarkKey, FILES.leaf, FILES.leafKey, FILES.root] as const;

/** The keys of a data folder. */
export interface FolderMarkingKeys {
  readonly keys: MarkingKeys;
  /** Where they are. */
  readonly path: string;
  /** They were made just now. */
  readonly isNew: boolean;
}

/** Where the keys of a data folder are. */
export function markingPath(folder: string): string {
  return join(folder, 'marking');
}

/**
 * The keys of a data folder, made where it has none. `wereUsed` says whether videos were marked already: the keys are then not made anew
 * because their folder is gone, but only where an empty one stands in its place. Throws a sentence where a file is missing, damaged, or
 * not its owner's alone.
 */
export async function openMarkingKeys(
  folder: string,
  wereUsed: () => Promise<boolean> = async () => false,
): Promise<FolderMarkingKeys> {
  const path = markingPath(folder);
  try {
    const names = namesIn(path);
    if (names === undefined && (await wereUsed()) && namesIn(path) === undefined)
      throw refused(
        path,
        'it is missing, and videos were marked with its keys; put it back from a backup. Without one those videos are known by their ' +
          'bytes alone: an empty folder in its place has new keys made',
      );
    const isNew = (names ?? []).length === 0 && (await make(folder, path));
    return { keys: read(path), path, isNew };
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/**
 * What a data folder's videos are known by, of watermark key and root alone: it outlives the leaf, and an archive may keep these two files.
 * undefined where there is none.
 */
export function readKnowingKeys(folder: string): KnowingKeys | undefined {
  const path = markingPath(folder);
  if (!existsSync(path)) return undefined;
  const [hex, root] = [FILES.watermarkKey, FILES.root].map(name => readOwn(join(path, name))) as [string, string];
  return asKeys(path, hex, watermarkKey => knowingKeysFrom(watermarkKey, root));
}

/** undefined where there is no such folder. */
function namesIn(path: string): readonly string[] | undefined {
  return existsSync(path) ? readdirSync(path) : undefined;
}

function read(path: string): MarkingKeys {
  const [hex, leaf, key, root] = NEEDED.map(name => readOwn(join(path, name))) as [string, string, string, string];
  return asKeys(path, hex, watermarkKey => markingKeysFrom({ watermarkKey, certificates: `${leaf}\n${root}`, key }));
}

function asKeys<T>(path: string, hex: string, make: (watermarkKey: Uint8Array) => T): T {
  if (!/^[0-9a-f]{64}\s*$/.test(hex))
    throw refused(
      join(path, FILES.watermarkKey),
      `got no key; ${2 * WATERMARK_KEY_BYTES} lower-case hex digits are allowed`,
    );
  try {
    return make(Buffer.from(hex.trim(), 'hex'));
  } catch (error) {
    throw refused(path, error instanceof Error ? error.message.replace(/\.$/, '') : 'the keys cannot be read');
  }
}

/** Private files only: a certificate that others may change is as bad as a key that they may read. */
function readOwn(file: string): string {
  try {
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw refused(
        file,
        `others than its owner may use it (mode ${(mode & 0o777).toString(8)}); chmod 600 is allowed`,
      );
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
    throw refused(
      file,
      'it is missing; put it back from a backup, as videos that were marked with it are known by it alone',
    );
  }
}

/** Whether these became the keys; false where another process was first. */
async function make(folder: string, path: string): Promise<boolean> {
  // Loaded here: certificates are made once in a folder's life.
  const { makeAuthority } = await import('#gpu-container/provenance/c2pa/authority.ts');
  const { leaf, root } = await makeAuthority();
  const made = join(folder, `marking.${process.pid}.${randomBytes(4).toString('hex')}.new`);
  mkdirSync(made, { recursive: true, mode: 0o700 });
  try {
    const texts: Readonly<Record<string, string>> = {
      [FILES.watermarkKey]: `${randomBytes(WATERMARK_KEY_BYTES).toString('hex')}\n`,
      [FILES.leaf]: leaf.certificate,
      [FILES.leafKey]: leaf.key,
      [FILES.root]: root.certificate,
      [FILES.rootKey]: root.key,
    };
    for (const [name, text] of Object.entries(texts)) write(join(made, name), text);
    renameSync(made, path);
    return true;
  } catch (error) {
    // A folder with something in it cannot be renamed over.
    if ((namesIn(path) ?? []).length === 0) throw error;
    return false;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function write(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function refused(path: string, why: string): ReelayError {
  return new ReelayError('invalid_request', `${path}: ${why}.`);
}

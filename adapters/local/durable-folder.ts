import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The functions of node:fs/promises that the blob store uses, so that a test can put a failing disk in their place. */
export interface FileFunctions {
  readonly mkdir: typeof mkdir;
  readonly open: typeof open;
  readonly rename: typeof rename;
  readonly rm: typeof rm;
  readonly stat: typeof stat;
}

/** The real ones. */
export const nodeFiles: FileFunctions = { mkdir, open, rename, rm, stat };

/** Folders with a new entry that no fsync has covered yet: one that failed is owed by the next who needs the entry. */
const unsynced = new Set<string>();

/** Makes a folder and those above it, and fsyncs every folder that got a new entry; without that a power cut can lose the name. */
export async function makeFolder(folder: string, files: FileFunctions = nodeFiles): Promise<void> {
  const path = resolve(folder);
  // Videos and prompts are private: other users of the machine see nothing.
  const first = await files.mkdir(path, { recursive: true, mode: 0o700 });
  if (first !== undefined) for (const at of foldersAbove(path, dirname(first))) unsynced.add(at);
  if (unsynced.size === 0) return;
  for (const at of foldersAbove(path).filter(each => unsynced.has(each))) {
    await syncFolder(at, files);
    unsynced.delete(at);
  }
}

/** The folders above a path, nearest first, up to and with `top`. */
function foldersAbove(path: string, top?: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...(above === top ? [] : foldersAbove(above, top))];
}

/** Makes renames, new names and removals in a folder durable. */
export async function syncFolder(folder: string, files: FileFunctions = nodeFiles): Promise<void> {
  const handle = await files.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

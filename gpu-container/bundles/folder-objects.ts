import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem, isMissing } from '#adapters/local/file-error.ts';
import type { ObjectSource, ObjectTarget } from '#core/bundle-objects.ts';

/** Objects as files below a folder: a mounted share, a disk that is carried in, or what a web server serves. */
export function createFolderObjects(folder: string): ObjectSource & ObjectTarget {
  const sizeOf = async (path: string): Promise<number | undefined> => {
    const facts = await stat(path).catch(error => {
      if (isMissing(error)) return undefined;
      throw fromFileSystem(error, path);
    });
    return facts?.isFile() ? facts.size : undefined;
  };
  return {
    name: folder,
    size: key => sizeOf(join(folder, key)),
    async read(key, range, signal: AbortSignal) {
      const path = join(folder, key);
      if ((await sizeOf(path)) === undefined) return undefined;
      return createReadStream(path, { ...range, signal, highWaterMark: READ_BYTES });
    },
    async head(key) {
      const path = join(folder, key);
      const bytes = await sizeOf(path);
      if (bytes === undefined) return undefined;
      const sha256 = await readFile(noteOf(path), 'utf8').catch(() => undefined);
      return { bytes, sha256: sha256?.slice(0, 64) };
    },
    async put(key, { path, sha256 }) {
      const target = join(folder, key);
      try {
        await putWhole(path, target);
        await writeFile(noteOf(target), `${sha256}  ${basename(target)}\n`, { mode: 0o644 });
      } catch (error) {
        throw fromFileSystem(error, target);
      }
    },
  };
}

const READ_BYTES = 1_048_576;

/** Beside a file, as sha256sum prints it, so that a second push knows the bytes without reading them. */
const noteOf = (path: string) => `${path}.sha256`;

/** Under another name until it is whole and on the disk. */
async function putWhole(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  const coming = `${to}.${randomBytes(6).toString('hex')}.coming`;
  try {
    await copyFile(from, coming);
    const file = await open(coming, 'r+');
    await file.sync().finally(() => file.close());
    await rename(coming, to);
    await syncFolder(dirname(to));
  } finally {
    await rm(coming, { force: true });
  }
}

import { lstat, readdir, readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** Memory that this process and its children may use: the machine's, or what its container is given. */
export function machineMemoryBytes(): number {
  const given = process.constrainedMemory(); // 0 or more than there is where nothing constrains
  return given > 0 ? Math.min(given, totalmem()) : totalmem();
}

/** Resident memory of a process; undefined where the system does not tell (only Linux has /proc) or the process is gone. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Bytes of all files below a folder; what cannot be read counts nothing, for whoever loads it will say so. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter(entry => entry.isFile());
  const sizes = await Promise.all(
    files.map(async file => (await lstat(join(file.parentPath, file.name)).catch(() => ({ size: 0 }))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

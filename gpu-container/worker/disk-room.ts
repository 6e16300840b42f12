import { statfs } from 'node:fs/promises';
import { limits } from '#core/limits.ts';

/**
 * Why a worker that writes to this folder should take no job now; undefined: there is room. Where the file system does not tell, or
 * the folder is not there yet, the first write tells. `what` names the folder for people: "the data folder".
 */
export async function whyDiskIsFull(folder: string, what: string): Promise<string | undefined> {
  const room = await statfs(folder).catch(() => undefined);
  if (room === undefined || room.bavail * room.bsize >= limits.minFreeBytes) return undefined;
  return `the disk of ${what} has less than ${limits.minFreeBytes / 1_000_000} MB left`;
}

/** @file Where `reelay eval` writes: found out before minutes of rendering, and told in a sentence when it fails all the same. */
import { constants } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { EvalFlags } from './eval-flags.ts';

const bad = (message: string, cause?: unknown) => new ReelayError('invalid_request', message, { cause });
const codeOf = (cause: unknown) => (cause as NodeJS.ErrnoException).code ?? 'unknown error';

/**
 * Looks whether what --out, --json and --html name can be written. Nothing is left there but the folder of --out, where a file of the
 * others goes into it. Throws `invalid_request` that names the flag, what was got and what is allowed.
 */
export async function checkTargets({ out, json, html }: EvalFlags): Promise<void> {
  const files = Object.entries({ json, html }).flatMap(([flag, file]) => (file === undefined ? [] : [{ flag, file }]));
  if (out !== undefined) {
    await checkFolder('out', out);
    if (files.some(({ file }) => dirname(resolve(file)) === resolve(out)))
      await written('out', out, () => mkdir(out, { recursive: true }));
  }
  for (const { flag, file } of files) await checkFile(flag, file);
}

/** A folder that is there or can be made, and takes files. Throws as `checkTargets`. */
export async function checkFolder(flag: string, folder: string): Promise<void> {
  const refuse = (why: string, cause?: unknown) =>
    bad(`--${flag}: got "${folder}"; a folder that files can be written to is allowed, and ${why}.`, cause);
  if (folder === '') throw refuse('this is no name');
  const { path, isFolder } = await nearest(folder, refuse);
  if (!isFolder) throw refuse(`${path} is a file`);
  await probe(join(path, `.reelay-eval-${process.pid}`), false).catch(cause => {
    throw refuse(`${path} is none (${codeOf(cause)})`, cause);
  });
}

/** A file that can be made in its folder, or that is there and can be written anew. */
async function checkFile(flag: string, file: string): Promise<void> {
  const refuse = (why: string, cause?: unknown) =>
    bad(`--${flag}: got "${file}"; a file in a folder that exists is allowed, and ${why}.`, cause);
  const [full, folder] = [resolve(file), dirname(resolve(file))];
  const { path, isFolder, isPlain } = await nearest(file, refuse);
  if ((path === full && isFolder) || file.endsWith('/')) throw refuse('this is a folder');
  if (path !== full && !isFolder) throw refuse(`${path} is a file`);
  if (path !== full && path !== folder) throw refuse(`${folder} does not exist`);
  if (path === full && !isPlain) return; // a terminal or a pipe: to open it is to use it
  await probe(full, path === full).catch(cause => {
    throw refuse(`this one cannot be written (${codeOf(cause)})`, cause);
  });
}

/** What is there of a path: the path itself, or the nearest folder, or what is in a folder's place, above it. */
async function nearest(path: string, refuse: (why: string, cause?: unknown) => Error) {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const facts = await stat(at);
      return { path: at, isFolder: facts.isDirectory(), isPlain: facts.isFile() };
    } catch (cause) {
      const code = codeOf(cause);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw refuse(`${at} cannot be looked at (${code})`, cause);
      if (at === dirname(at)) throw refuse(`${at} does not exist`, cause);
    }
  }
}

/** Opens as a write would, which alone tells of rights, read-only disks and names too long; a file that it made is gone after it. */
async function probe(path: string, isThere: boolean): Promise<void> {
  const file = await open(path, isThere ? constants.O_WRONLY : 'wx');
  await file.close();
  if (!isThere) await rm(path, { force: true });
}

/** Writes, or says in a sentence which flag named what cannot be written. */
export async function written(flag: string, path: string, write: () => Promise<unknown>): Promise<void> {
  await write().catch((cause: unknown) => {
    throw bad(`--${flag}: ${path} cannot be written (${codeOf(cause)}).`, cause);
  });
}

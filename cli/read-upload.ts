import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { Upload } from '#core/references/read-reference.ts';

/**
 * A file that a flag names, as the doors know files; what its bytes are is for the parser of requests to say. Throws `invalid_request`,
 * opened by the flag, for what is not there, is no plain file, may not be read or has more than `maxBytes`.
 */
export async function readUpload(flag: string, path: string, maxBytes: number): Promise<Upload> {
  const full = resolve(path);
  const bad = (why: string, cause?: unknown) =>
    new ReelayError('invalid_request', `${flag}: ${full} ${why}.`, { cause });
  try {
    const facts = await stat(full); // before it is opened: a pipe would be waited for
    if (facts.isDirectory()) throw bad('is a folder; name a file');
    if (!facts.isFile()) throw bad('is no plain file');
    if (facts.size > maxBytes) throw bad(`has ${facts.size} bytes; at most ${maxBytes} are taken`);
    return { file: true, bytes: await readFile(full), contentType: '' };
  } catch (cause) {
    if (cause instanceof ReelayError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw bad(code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`, cause);
  }
}

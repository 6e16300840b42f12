import { ReelayError } from '#core/errors.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html. */
const SENTENCES: Readonly<Record<number, string>> = {
  5: 'is locked by another process that does not let go',
  8: 'cannot be written; check its permissions and that the disk is not read-only',
  10: 'could not be read or written; the disk reports an error',
  11: 'is damaged; restore it from a backup, or move it away to start empty',
  13: 'cannot grow; the disk is full',
  14: 'cannot be opened or created; check the path and its permissions',
  23: 'cannot be opened; access is denied',
  26: 'is not a Reelay database; restore it from a backup, or move it away to start empty',
};

/** Primary code of an error of node:sqlite; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  // Extended codes keep the primary one in their low byte.
  return error.errcode & 0xff;
}

/** Any error as a ReelayError: SQLite's become `store_unavailable` with a sentence that names the file. */
export function fromSqlite(error: unknown, file: string): ReelayError {
  if (error instanceof ReelayError) return error;
  const code = sqliteCode(error);
  const said = code === undefined ? undefined : SENTENCES[code];
  const sentence = said ?? `does not work: ${error instanceof Error ? error.message : String(error)}`;
  return new ReelayError('store_unavailable', `The database ${file} ${sentence}.`, { cause: error });
}

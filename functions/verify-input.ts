import { invalidRequest, type Problem } from '#core/errors.ts';
import { isUpload } from '#core/references/read-reference.ts';

/** What POST /v1/verify is asked. */
export interface VerifyInput {
  readonly file: Uint8Array;
  /** Whether parts of the frame are tried where the whole shows nothing. */
  readonly search: boolean;
}

const FIELDS = ['file', 'search'];
const SEARCH = new Map<unknown, boolean>([
  ...([true, 'true', '1'] as const).map(word => [word, true] as const),
  ...([undefined, false, 'false', '0', ''] as const).map(word => [word, false] as const),
]);

/** Reads it; throws `invalid_request` with every problem at once. */
export function readVerifyInput(input: unknown): VerifyInput {
  const fields = (input !== null && typeof input === 'object' ? input : {}) as Record<string, unknown>;
  const problems: Problem[] = Object.keys(fields)
    .filter(name => !FIELDS.includes(name))
    .map(name => ({
      path: name.slice(0, 64),
      message: `${name.slice(0, 64)}: this is no field of a verification; file and search are.`,
    }));
  const { file } = fields;
  if (!isUpload(file))
    problems.push({ path: 'file', message: 'file: expected a file, as a part of a multipart/form-data body.' });
  const search = SEARCH.get(fields.search);
  if (search === undefined) problems.push({ path: 'search', message: 'search: expected true or false.' });
  if (!isUpload(file) || search === undefined || problems.length > 0) throw invalidRequest(problems);
  return { file: file.bytes, search };
}

/** What dropped files ask for, as create bodies of the API. */
import { invalidRequest, type Problem, type ReelayError } from '../errors.ts';
import { extensionFor, sniffMedia } from '../references/media-type.ts';
import { isUpload, referenceFields, type Upload } from '../references/read-reference.ts';
import { dropLimits } from './drop-limits.ts';
import { isObject, MOST_LEVELS, parseJson, TOO_DEEP } from './json.ts';
import { nameFits } from './media.ts';
import { escapeName, kindOfName } from './names.ts';
import { decodeUtf8 } from './utf8.ts';

/** A dropped file that was read. */
export interface ReadFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** One job that a drop asks for. */
export interface DropRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** The line of a batch, from 1; null for all other drops. */
  readonly line: number | null;
}

const NAME_A_FILE = 'name one file that lies beside the request, without a folder.';

/** Fields that may name a file beside the request; the last is refused by the API, in words. */
const fileFields = [...Object.keys(referenceFields), 'audio_reference'];

/**
 * The requests of a drop: one, or those of a batch. Throws `invalid_request` with every problem found; what the API itself refuses is
 * left to it.
 */
export function requestsOf(main: ReadFile, sidecars: readonly ReadFile[]): DropRequest[] {
  switch (kindOfName(main.name)) {
    case 'text':
      return [{ body: { prompt: promptOf(main) }, line: null }];
    case 'json':
      return [{ body: bodyOf(main), line: null }];
    case 'batch':
      return batchOf(main);
    case 'image':
    case 'video':
      return [{ body: mediaBody(main, sidecars), line: null }];
    default:
      throw unknownKind(main);
  }
}

/** Whether a .json file is one of our own receipts or error files, found where it should not be. */
export function isOwnPaper(file: ReadFile): boolean {
  if (kindOfName(file.name) !== 'json') return false;
  const value = parseJson(decodeUtf8(file.bytes) ?? '');
  return isObject(value) && (value.object === 'receipt' || value.object === 'drop.error');
}

/** The files that a request names, by field. Throws `invalid_request` for a name that is more than a name. */
export function namedFiles({ body, line }: DropRequest): { field: string; name: string }[] {
  const named: { field: string; name: string }[] = [];
  const problems: Problem[] = [];
  for (const field of fileFields) {
    const value = body[field];
    // Addresses are for the API to judge, by the same rules as at its own door.
    if (typeof value !== 'string' || /^(data|https?):/i.test(value)) continue;
    if (/^[^/\\\0]+$/.test(value) && value.length <= 255 && !/^\.{1,2}$/.test(value))
      named.push({ field, name: value });
    else {
      problems.push({ path: field, message: atLine(line, `${field}: ${NAME_A_FILE}`) });
    }
  }
  if (problems.length > 0) throw invalidRequest(problems);
  return named;
}

/** The body with a file in place of its name. */
export function withFile(request: DropRequest, field: string, file: ReadFile): DropRequest {
  return { ...request, body: { ...request.body, [field]: fileValue(file) } };
}

/** A text that is equal for equal requests: the order of fields and the names of files do not matter, their bytes do. */
export function canonicalRequests(requests: readonly DropRequest[]): string {
  return JSON.stringify({ v: 1, requests: requests.map(({ body }) => body) }, (_, part: unknown) => {
    if (!isObject(part)) return part;
    if (isUpload(part)) return { sha256: (part as { sha256?: unknown }).sha256 };
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** All problems of a batch as one error, each with its line, the first few spelled out. */
export function batchError(found: readonly Problem[]): ReelayError {
  const told = found.slice(0, dropLimits.problemsTold);
  const rest = found.length - told.length;
  if (rest > 0) told.push({ path: 'file', message: `And ${rest} more of the kind.` });
  return invalidRequest(told);
}

/** A problem where it was found. */
export function atLine(line: number | null, message: string): string {
  return line === null ? message : `line ${line}: ${message}`;
}

function mediaBody(main: ReadFile, sidecars: readonly ReadFile[]): Record<string, unknown> {
  const json = sidecars.find(({ name }) => kindOfName(name) === 'json');
  const text = sidecars.find(({ name }) => kindOfName(name) === 'text');
  const said = json === undefined ? {} : bodyOf(json);
  if (json !== undefined && said.input_reference !== undefined && said.input_reference !== main.name)
    throw refused(json, `its input_reference names another file than ${escapeName(main.name)}; rename one of the two.`);
  if (text !== undefined && said.prompt !== undefined)
    throw refused(main, 'its prompt is said twice, in the .json and in the .txt beside it; keep one.');
  const prompt = text === undefined ? {} : { prompt: promptOf(text) };
  return { ...said, ...prompt, input_reference: fileValue(main) };
}

/** A file as a multipart body would bring it, with its hash. */
function fileValue(file: ReadFile): Upload & { readonly sha256: string } {
  const type = sniffMedia(file.bytes);
  if (type === undefined)
    throw refused(file, 'its bytes are no image or video that is taken: png, jpg, webp, mp4, mov or webm.');
  if (!nameFits(file.name, type))
    throw refused(file, `its bytes are ${type} and its name says otherwise; name it .${extensionFor(type)}.`);
  const { bytes, sha256 } = file;
  return { file: true, bytes, contentType: type, sha256 };
}

function promptOf(file: ReadFile): string {
  return textOf(file).trim();
}

function bodyOf(file: ReadFile): Record<string, unknown> {
  const value = parseJson(textOf(file));
  if (value === undefined) throw refused(file, 'this is not valid JSON; check quotes, commas and brackets.');
  if (value === TOO_DEEP) throw refused(file, `this is nested more than ${MOST_LEVELS} levels deep.`);
  if (isObject(value) && forged(value) === undefined) return value;
  if (isObject(value)) throw refused(file, `${forged(value)}: ${NAME_A_FILE}`);
  throw refused(file, 'expected one object with a "prompt"; several requests go into a .jsonl, one a line.');
}

function batchOf(file: ReadFile): DropRequest[] {
  const lines = textOf(file)
    .split('\n')
    .map((text, at) => ({ text: text.trim(), line: at + 1 }))
    .filter(({ text }) => text !== '');
  if (lines.length === 0) throw refused(file, 'got no line; write one JSON object a line.');
  if (lines.length > dropLimits.batchLines)
    throw refused(file, `got ${lines.length} requests; at most ${dropLimits.batchLines} are taken, split the file.`);
  const problems: Problem[] = [];
  const requests = lines.flatMap(({ text, line }): DropRequest[] => {
    const body = parseJson(text);
    const field = isObject(body) ? forged(body) : undefined;
    if (isObject(body) && field === undefined) return [{ body, line }];
    const wrong = field === undefined ? 'this is not a JSON object; write one a line.' : `${field}: ${NAME_A_FILE}`;
    problems.push({ path: field ?? 'file', message: atLine(line, wrong) });
    return [];
  });
  if (problems.length > 0) throw batchError(problems);
  return requests;
}

/** A field that claims to hold a file which was never read: only we write such values into a body. */
function forged(body: Record<string, unknown>): string | undefined {
  return fileFields.find(field => {
    const value = body[field];
    return isObject(value) && 'file' in value;
  });
}

function textOf(file: ReadFile): string {
  const text = decodeUtf8(file.bytes);
  if (text === undefined) throw refused(file, 'this is not text in UTF-8; save it as UTF-8.');
  if (text.includes('\0')) throw refused(file, 'this is not a text: it holds zero bytes.');
  return text;
}

/** The refusal of a file that is no drop at all. */
export function unknownKind(file: Pick<ReadFile, 'name'>): ReelayError {
  const taken = 'a .txt with a prompt, a .json or .jsonl with requests, an image or a video';
  return refused(file, `this kind of file is not taken; drop ${taken}.`);
}

/** A sentence about one file, as a refusal. */
export function refused(file: Pick<ReadFile, 'name'>, sentence: string): ReelayError {
  const name = escapeName(file.name);
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return invalidRequest([{ path: 'file', message: `${short}: ${sentence}` }]);
}

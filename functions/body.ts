import { invalidRequest, type Problem, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Upload } from '#core/references/read-reference.ts';
import type { FrontEvent } from './http.ts';

/**
 * A JSON or multipart body of at most `maxBytes` as one plain object; both encodings come out alike. Throws 400, 413 and 415 errors in
 * words.
 */
export async function readBody(event: FrontEvent, maxBytes: number = limits.maxMultipartBytes): Promise<unknown> {
  const type = event.headers['content-type'] ?? '';
  const bytes = event.bytes ?? Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const kind = type.split(';')[0]!.trim().toLowerCase();
  if ((event.headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ReelayError('unsupported_media_type', 'content-encoding: send the body uncompressed.');
  if (kind !== 'application/json' && kind !== 'multipart/form-data')
    throw new ReelayError(
      'unsupported_media_type',
      `content-type: got ${kind === '' ? 'nothing' : `"${kind.slice(0, 60)}"`}; application/json or multipart/form-data is allowed.`,
    );
  const isJson = kind === 'application/json';
  checkSize(bytes.length, maxBytes, kind);
  // A reference comes as one long data URL; the rest of a JSON body is what costs to read.
  if (isJson && bytes.length > limits.maxBodyBytes)
    checkSize(bytes.length - longestDataUrl(bytes), limits.maxBodyBytes, `${kind} beside a data URL`);
  return isJson ? readJson(bytes) : readMultipart(bytes, type);
}

function checkSize(size: number, most: number, what: string): void {
  if (size <= most) return;
  throw new ReelayError('payload_too_large', `body: got ${size} bytes; at most ${most} are allowed as ${what}.`);
}

const DATA = Buffer.from('"data:');
const QUOTE = 0x22;

/** Bytes of the longest text that opens like a data URL: none of those holds a quote, so that a look for the next one will do. */
function longestDataUrl(bytes: Buffer): number {
  let longest = 0;
  for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + 1)) {
    const end = bytes.indexOf(QUOTE, at + 1);
    longest = Math.max(longest, (end < 0 ? bytes.length : end) - at);
  }
  return longest;
}

function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0)
    throw invalidRequest([{ path: 'body', message: 'body: got nothing; a JSON object is expected.' }]);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    // The parser's own message quotes the body, which may hold a prompt: it stays here.
    throw new ReelayError('invalid_request', 'body: this is not valid JSON in UTF-8.', {
      cause,
      problems: [{ path: 'body', message: '' }],
    });
  }
}

/** Before they are parsed, which costs a thousand times more than what they take: each part begins behind a boundary, and one ends them. */
function checkParts(bytes: Buffer, type: string): void {
  const boundary = boundaryOf(type);
  if (boundary === undefined) return; // told by the parser
  let found = 0;
  for (let at = bytes.indexOf(boundary); at >= 0; at = bytes.indexOf(boundary, at + boundary.length))
    if (++found > limits.maxParts + 1)
      throw invalidRequest([{ path: 'body', message: `body: at most ${limits.maxParts} parts are allowed.` }]);
}

/** A parameter of a content type: its name, and its value in quotes or plain. */
const PARAMETER = /;[\t ]*([^;=]*)(?:=(?:"((?:[^"\\]|\\.)*)[^;]*|([^;]*)))?/g;

/** By the rules of the parser, which are those of WHATWG MIME Sniffing 4.4: the first that is not empty, its escapes undone. */
function boundaryOf(type: string): string | undefined {
  for (const [, name, quoted, plain] of type.matchAll(PARAMETER)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain?.trimEnd() ?? '';
    if (name?.toLowerCase() === 'boundary' && value !== '') return value;
  }
  return undefined;
}

async function readMultipart(bytes: Buffer<ArrayBuffer>, type: string): Promise<unknown> {
  checkParts(bytes, type);
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  } catch (cause) {
    throw new ReelayError('invalid_request', 'body: this is not a well-formed multipart/form-data body.', {
      cause,
      problems: [{ path: 'body', message: '' }],
    });
  }
  return fromForm(await Promise.all([...form.entries()].map(readPart)));
}

async function readPart([name, value]: [string, string | Blob]): Promise<[string, string | Upload]> {
  if (typeof value === 'string') return [name, value];
  // Without a type a part is text/plain, says the specification (RFC 7578 section 4.4): of a file that is no claim.
  const contentType = value.type === 'text/plain' ? '' : value.type;
  return [name, { file: true, bytes: new Uint8Array(await value.arrayBuffer()), contentType }];
}

/** `metadata[a]` becomes {metadata: {a}}, `tags[]` a list. */
function fromForm(entries: [string, string | Upload][]): Record<string, unknown> {
  const problems: Problem[] = [];
  const fields = new Map<string, unknown>();
  for (const [name, item] of entries) {
    const [, key = name, inner] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(name) ?? [];
    const before = fields.get(key);
    if (inner === undefined && before === undefined) fields.set(key, item);
    else if (inner === '' && (before === undefined || Array.isArray(before)))
      fields.set(key, [...(before ?? []), item]);
    else if (inner !== undefined && inner !== '' && (before === undefined || before instanceof Map))
      fields.set(key, new Map([...((before as Map<string, unknown>) ?? []), [inner, item]]));
    else problems.push({ path: key.slice(0, 64), message: `${key.slice(0, 64)}: sent more than once; send it once.` });
  }
  if (problems.length > 0) throw invalidRequest(problems);
  return Object.fromEntries([...fields].map(([k, v]) => [k, v instanceof Map ? Object.fromEntries(v) : v]));
}

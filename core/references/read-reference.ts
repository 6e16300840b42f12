/** From what a request says to the file that it starts from. Every door comes through here, so that they take and refuse alike. */
import type { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { parseDataUrl } from './data-url.ts';
import { type MediaFacts, readMediaFacts } from './media-facts.ts';
import { claimFits, isImage, type MediaType, sniffMedia, TAKEN_MEDIA } from './media-type.ts';

/** A file as a door read it: a part of a multipart body, a dropped file, a stored video. */
export interface Upload {
  readonly file: true;
  readonly bytes: Uint8Array;
  /** What its sender says; '' for nothing. */
  readonly contentType: string;
}

/** A file that a request starts from, known by its first bytes. */
export interface ReferenceFile {
  /** The field that brought it, as the wire names it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly contentType: MediaType;
}

/** Fields that bring a file, and what it must be. */
export const referenceFields = {
  input_reference: 'any',
  image_reference: 'image',
  video_reference: 'video',
} as const;

/** One of the fields. */
export type ReferenceField = keyof typeof referenceFields;

/** Whether a problem's path is that of a reference. */
export function isReferencePath(path: string): boolean {
  return path.split('[')[0]! in referenceFields;
}

/** Where a value is an object, what may be in it. */
const URL_KEYS = ['image_url', 'video_url'];

/** Whether a value is a file that a door read; a body in JSON cannot hold one. */
export function isUpload(value: unknown): value is Upload {
  return (
    value !== null && typeof value === 'object' && 'file' in value && (value as Upload).bytes instanceof Uint8Array
  );
}

/** The file of a request, undefined where it brings none. Adds what is wrong to `problems`. */
export function readReference(
  raw: Readonly<Partial<Record<ReferenceField, unknown>>>,
  problems: Problem[],
): ReferenceFile | undefined {
  const fields = (Object.keys(referenceFields) as ReferenceField[]).filter(field => raw[field] !== undefined);
  const [field, second] = fields;
  if (field === undefined) return undefined;
  const complain = (path: string, message: string) => void problems.push({ path, message: `${path}: ${message}.` });
  if (second !== undefined) return complain(second, `${field} was sent too; a request starts from one file`);
  const sent = findFile(field, raw[field]);
  if ('wrong' in sent) return complain(sent.path, sent.wrong);
  const contentType = typeOf(referenceFields[field], sent.upload);
  if (typeof contentType !== 'string') return complain(sent.path, contentType.wrong);
  return { path: sent.path, bytes: sent.upload.bytes, contentType };
}

type Wrong = { readonly wrong: string };
type Sent = { readonly path: string } & ({ readonly upload: Upload } | Wrong);

function findFile(path: string, value: unknown): Sent {
  if (isUpload(value)) return { path, upload: value };
  if (typeof value === 'string')
    return value.trimStart().startsWith('{') ? findInText(path, value) : readUrl(path, value);
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { path, wrong: 'expected a file, or an object with a data URL as image_url' };
  const keys = Object.keys(value);
  const [key] = keys;
  if (keys.includes('file_id'))
    return { path: `${path}[file_id]`, wrong: 'this server keeps no files; send the file itself or a data URL' };
  if (key === undefined || keys.length > 1 || !URL_KEYS.includes(key))
    return { path, wrong: `expected a file, or an object with one of ${URL_KEYS.join(', ')}` };
  const inner = (value as Record<string, unknown>)[key];
  const at = `${path}[${key}]`;
  return typeof inner === 'string' ? readUrl(at, inner) : { path: at, wrong: 'expected a data URL' };
}

/** How far a text is looked at for the key before its data URL, and for what closes the object behind it. */
const EDGE_CHARS = 256;

/**
 * Multipart knows no objects: some clients send one as its JSON. Of a long one only the URL can be that long, and the parser is spared
 * it: a megabyte of brackets is expensive.
 */
function findInText(path: string, text: string): Sent {
  if (text.length > limits.maxBodyBytes) return findInLongText(path, text);
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return findFile(path, value);
  } catch {
    // told below; the parser's own words would quote the text
  }
  return { path, wrong: 'this is neither a data URL nor JSON' };
}

function findInLongText(path: string, text: string): Sent {
  const [head, key] = /^\s*\{\s*"(image_url|video_url)"\s*:\s*"(?=data:)/.exec(text.slice(0, EDGE_CHARS)) ?? [];
  const [tail] = /"\s*\}\s*$/.exec(text.slice(-EDGE_CHARS)) ?? [];
  if (head === undefined || tail === undefined)
    return { path, wrong: `got ${text.length} characters that are no data URL and no JSON with one alone` };
  // Some writers escape the slashes; no other character of base64 has an escape.
  return readUrl(`${path}[${key}]`, text.slice(head.length, -tail.length).replaceAll('\\/', '/'));
}

function readUrl(path: string, url: string): Sent {
  if (/^https?:/i.test(url)) return { path, wrong: 'this server fetches no URLs; send the file itself or a data URL' };
  const data = parseDataUrl(url, Math.max(limits.maxReferenceImageBytes, limits.maxReferenceVideoBytes));
  if (typeof data === 'string') return { path, wrong: data };
  return { path, upload: { file: true, bytes: data.bytes, contentType: data.type } };
}

function typeOf(wanted: 'any' | 'image' | 'video', { bytes, contentType: claimed }: Upload): MediaType | Wrong {
  if (bytes.length === 0) return { wrong: 'got an empty file' };
  const type = sniffMedia(bytes);
  if (type === undefined) return { wrong: `its bytes are nothing that is taken: ${TAKEN_MEDIA}` };
  if (!claimFits(claimed, type))
    return { wrong: `its bytes are ${type} and it was sent as ${claimed.slice(0, 40)}; say what it is` };
  const kind = isImage(type) ? 'image' : 'video';
  if (wanted === 'any' || wanted === kind) return type;
  return { wrong: `expected ${wanted === 'image' ? 'an image' : 'a video'}, got ${type}` };
}

/** What the headers of a file say; a sentence of what is wrong with it otherwise. */
export function inspectReference({ bytes, contentType }: ReferenceFile): MediaFacts | string {
  const kind = isImage(contentType) ? 'image' : 'video';
  const most = kind === 'image' ? limits.maxReferenceImageBytes : limits.maxReferenceVideoBytes;
  if (bytes.length > most)
    return `got ${bytes.length} bytes; ${kind === 'image' ? 'an image' : 'a video'} may have ${most}`;
  const facts = readMediaFacts(bytes, contentType);
  return typeof facts === 'string' ? facts : (tooLarge(kind, facts) ?? facts);
}

/** What its headers promise is refused before anything is made of it: a picture of 4 GB fits into a kilobyte. */
function tooLarge(kind: 'image' | 'video', { width, height, seconds, frames }: MediaFacts): string | undefined {
  const most = kind === 'image' ? limits.maxReferencePixels : limits.maxReferenceFramePixels;
  if (width * height > most) return `got ${width}x${height}; at most ${most} pixels are taken`;
  if (seconds !== null && seconds > limits.maxReferenceSeconds)
    return `got ${Math.round(seconds)} seconds; at most ${limits.maxReferenceSeconds} are taken`;
  if (frames !== null && frames > limits.maxReferenceFrames)
    return `got ${frames} frames; at most ${limits.maxReferenceFrames} are taken`;
  return undefined;
}

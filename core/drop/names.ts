/** Names of dropped files: labels and never paths. */
import { dropLimits } from './drop-limits.ts';
import { badByte } from './utf8.ts';

/** What a name says its file is; the bytes have the last word on media. */
export type NameKind = 'text' | 'json' | 'batch' | 'image' | 'video' | 'marker' | 'unknown';

const KINDS: Readonly<Record<string, NameKind>> = {
  txt: 'text',
  json: 'json',
  jsonl: 'batch',
  png: 'image',
  jpg: 'image',
  jpeg: 'image',
  webp: 'image',
  mp4: 'video',
  mov: 'video',
  webm: 'video',
  ready: 'marker',
};

/** Half-written files of browsers, copiers and editors. */
const TEMPORARY = new Set(['keep', 'tmp', 'temp', 'part', 'partial', 'crdownload', 'download', 'filepart', 'swp']);
const SYSTEM_FILES = new Set(['thumbs.db', 'desktop.ini', 'ehthumbs.db', 'icon\r']);

/** The part after the last dot in lower case, '' without one; a leading dot starts no extension. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

/** The name without its extension. */
export function stemOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? name : name.slice(0, dot);
}

/** What the name says. */
export function kindOfName(name: string): NameKind {
  return KINDS[extensionOf(name)] ?? 'unknown';
}

/** Whether the name says that its file is an image or a video. */
export function isMediaName(name: string): boolean {
  const kind = kindOfName(name);
  return kind === 'image' || kind === 'video';
}

/** Why a name is never a drop; undefined for one that may be. */
export function skippedName(name: string): 'hidden' | 'temporary' | 'system' | undefined {
  if (name === '' || name.startsWith('.')) return 'hidden';
  if (name.startsWith('~$') || name.endsWith('~') || TEMPORARY.has(extensionOf(name))) return 'temporary';
  return SYSTEM_FILES.has(name.toLowerCase()) ? 'system' : undefined;
}

/** One spelling of names that look alike: macOS takes names apart (é = e + accent) that other systems keep together. */
export function sameSpelling(name: string): string {
  return name.normalize('NFC');
}

/** Windows keeps these for devices, whatever comes after their first dot. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** A stem that any file system, shell and browser takes: ASCII, at most 64 characters, no leading dot or dash, no device of Windows. */
export function safeStem(name: string): string {
  const plain = stemOf(name)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.-]+/, '')
    .slice(0, dropLimits.stemChars - 1)
    .replace(/[.-]+$/, '');
  if (plain === '') return 'drop';
  return RESERVED.test(plain) ? `_${plain}` : plain;
}

/** An extension that is safe to write, with its dot; '' for one that is not. */
export function safeExtension(name: string): string {
  const extension = extensionOf(name);
  return /^[a-z0-9]{1,10}$/.test(extension) ? `.${extension}` : '';
}

/** Marks that turn text around or hide in it, line ends, and bytes that a terminal obeys. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** The name for people and JSON, on one line and reversible: `\xff` a byte that is no UTF-8, `\u{202e}` an invisible character. */
export function escapeName(name: string): string {
  let text = '';
  for (const character of name) {
    const point = character.codePointAt(0)!;
    const byte = badByte(point);
    if (character === '\\') text += '\\\\';
    else if (byte !== undefined) text += `\\x${byte.toString(16)}`;
    else if (INVISIBLE.test(character) || (point >= 0xd800 && point <= 0xdfff)) text += `\\u{${point.toString(16)}}`;
    else text += character;
  }
  return text;
}

/** What the first bytes of a file say it is: a name or a header proves nothing. */
import type { Task } from '../models.ts';

/** The media that a request may start from. */
export type MediaType = 'image/png' | 'image/jpeg' | 'image/webp' | 'video/mp4' | 'video/quicktime' | 'video/webm';

/** The media types in words, for messages. */
export const TAKEN_MEDIA = 'PNG, JPEG or WebP images and MP4, MOV or WebM videos';

/** Extensions that a file of each type may have, the usual one first. */
export const mediaExtensions: Readonly<Record<MediaType, readonly string[]>> = {
  'image/png': ['png'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/webp': ['webp'],
  // The two share one format, and tools name them either way.
  'video/mp4': ['mp4', 'mov'],
  'video/quicktime': ['mov', 'mp4'],
  'video/webm': ['webm'],
};

/** HEIF and AVIF pictures have the boxes of a video and are none. */
const STILL_BRANDS = /^(mif1|msf1|hei[cfsmxv]|hev[cx]|avi[fs])$/;

/** The type of the bytes; undefined for anything that is not taken. */
export function sniffMedia(bytes: Uint8Array): MediaType | undefined {
  const starts = (...magic: number[]) => magic.every((byte, at) => bytes[at] === byte);
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png';
  if (starts(0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'image/webp';
  if (starts(0x1a, 0x45, 0xdf, 0xa3)) return 'video/webm';
  const box = ascii(4, 8);
  if (box === 'ftyp') {
    const brand = ascii(8, 12);
    if (STILL_BRANDS.test(brand)) return undefined;
    return brand === 'qt  ' ? 'video/quicktime' : 'video/mp4';
  }
  // QuickTime files of old have no ftyp.
  return ['moov', 'mdat', 'wide', 'free'].includes(box) && bytes.length > 16 ? 'video/quicktime' : undefined;
}

/** The extension that a file of this type should have. */
export function extensionFor(type: MediaType): string {
  return mediaExtensions[type][0] ?? '';
}

/** Whether the type is one of an image; else it is a video. */
export function isImage(type: MediaType): boolean {
  return type.startsWith('image/');
}

/** What a request that starts from such a file asks for. */
export function taskOf(type: MediaType): Task {
  return isImage(type) ? 'i2v' : 'v2v';
}

/** What senders write where they do not know. */
const NO_CLAIM = new Set(['', 'application/octet-stream', 'binary/octet-stream']);
const ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
  'application/mp4': 'video/mp4',
  'video/x-m4v': 'video/mp4',
};

/** Whether a sender's word for the type agrees with what the bytes are. */
export function claimFits(claimed: string, type: MediaType): boolean {
  const plain = claimed.split(';')[0]!.trim().toLowerCase();
  const said = ALIASES[plain] ?? plain;
  const isoMedia = ['video/mp4', 'video/quicktime'];
  return NO_CLAIM.has(said) || said === type || (isoMedia.includes(said) && isoMedia.includes(type));
}

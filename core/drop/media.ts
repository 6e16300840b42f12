/** What the first bytes of a file say it is: a name proves nothing. */
import { extensionOf } from './names.ts';

/** The media that a drop may be. */
export type MediaType = 'image/png' | 'image/jpeg' | 'image/webp' | 'video/mp4' | 'video/quicktime' | 'video/webm';

const EXTENSIONS: Readonly<Record<MediaType, readonly string[]>> = {
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

/** The type of the bytes; undefined for anything that is not offered. */
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

/** Whether a file of this name may hold this type. */
export function nameFits(name: string, type: MediaType): boolean {
  return EXTENSIONS[type].includes(extensionOf(name));
}

/** The extension that a file of this type should have. */
export function extensionFor(type: MediaType): string {
  return EXTENSIONS[type][0] ?? '';
}

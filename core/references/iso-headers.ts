/** @file MP4 and QuickTime (ISO/IEC 14496-12) as far as wholeness, the first video track's codec, size and length. */
import { BROKEN, TRUNCATED, tagAt, viewOf } from './byte-reader.ts';
import type { MediaFacts } from './media-facts.ts';
import { avcSequence, hevcSequence, type Sequence } from './parameter-sets.ts';

interface Box {
  readonly tag: string;
  /** Offsets of its content. */
  readonly from: number;
  readonly to: number;
}

/** Far above a minute of single-frame fragments; a file of nothing but empty boxes ends here. */
const MAX_BOXES = 20_000;
/** A VisualSampleEntry without the boxes that follow in it (section 12.1.3). */
const SAMPLE_ENTRY_BYTES = 86;
const CODECS = new Set(['avc1', 'avc3', 'hvc1', 'hev1', 'vp08', 'vp09', 'av01']);

/** What the boxes say. A file whose media data runs past its end is cut off. */
export function isoFacts(bytes: Uint8Array): MediaFacts | string {
  const view = viewOf(bytes);
  const top = boxesIn(view, 0, bytes.length);
  if (typeof top === 'string') return top;
  const moov = top.find(({ tag }) => tag === 'moov');
  // The index often comes last: without it there is nothing to play.
  if (moov === undefined) return TRUNCATED;
  const inside = boxesIn(view, moov.from, moov.to);
  if (typeof inside === 'string') return inside;
  const fragmented = inside.some(({ tag }) => tag === 'mvex');
  for (const track of inside.filter(({ tag }) => tag === 'trak')) {
    const media = find(view, track, 'mdia');
    const handler = media && find(view, media, 'hdlr');
    if (media === undefined || handler === undefined || tagAt(view, handler.from + 8) !== 'vide') continue;
    return trackFacts(view, media, fragmented);
  }
  return 'it holds no video track';
}

function trackFacts(view: DataView, media: Box, fragmented: boolean): MediaFacts | string {
  const header = find(view, media, 'mdhd');
  const table = find(view, media, 'minf', 'stbl');
  const entries = table && find(view, table, 'stsd');
  const sizes = table && (find(view, table, 'stsz') ?? find(view, table, 'stz2'));
  if (header === undefined || entries === undefined) return BROKEN;
  // The first sample entry, behind the version and the count (section 8.5.2); sizes behind 24 bytes of it (section 12.1.3).
  const entry = entries.from + 8;
  if (entry + 36 > entries.to) return BROKEN;
  const codec = tagAt(view, entry + 4);
  if (!CODECS.has(codec))
    return `its codec (${/^[\w .-]{4}$/.test(codec) ? codec.trim() : 'unknown'}) is not taken; H.264, HEVC, VP8, VP9 and AV1 are`;
  const sequence = readSequence(view, codec, { from: entry + SAMPLE_ENTRY_BYTES, to: entry + view.getUint32(entry) });
  if (sequence !== undefined && sequence.bits !== 8)
    return `its colours have ${sequence.bits} bits (HDR), which is not taken; save it as usual 8-bit video`;
  const width = Math.max(view.getUint16(entry + 32), sequence?.width ?? 0);
  const height = Math.max(view.getUint16(entry + 34), sequence?.height ?? 0);
  if (width === 0 || height === 0) return BROKEN;
  if (fragmented) return { width, height, seconds: null, frames: null };
  const frames = sizes === undefined ? 0 : view.getUint32(sizes.from + 8);
  return frames === 0 ? 'it holds no frame' : { width, height, seconds: secondsOf(view, header), frames };
}

/** What the decoder will go by, where it is told here: the size in the entry is for whoever only looks. */
function readSequence(view: DataView, codec: string, { from, to }: Omit<Box, 'tag'>): Sequence | undefined {
  const inside = boxesIn(view, from, Math.min(to, view.byteLength));
  const [tag, read] = codec.startsWith('avc') ? (['avcC', avcSequence] as const) : (['hvcC', hevcSequence] as const);
  const box = typeof inside === 'string' ? undefined : inside.find(one => one.tag === tag);
  return box && read(new Uint8Array(view.buffer, view.byteOffset + box.from, box.to - box.from));
}

/** Duration over timescale (section 8.4.2); null when it is unknown, which is all ones, or 0. */
function secondsOf(view: DataView, { from }: Box): number | null {
  const isLong = view.getUint8(from) === 1;
  const scale = view.getUint32(from + (isLong ? 20 : 12));
  const duration = isLong ? Number(view.getBigUint64(from + 24)) : view.getUint32(from + 16);
  const unknown = scale === 0 || duration === 0 || duration === 0xffffffff || duration >= 2 ** 63;
  return unknown ? null : duration / scale;
}

function find(view: DataView, parent: Box, ...path: string[]): Box | undefined {
  let box: Box | undefined = parent;
  for (const tag of path) {
    const inside: Box[] | string = box === undefined ? [] : boxesIn(view, box.from, box.to);
    box = typeof inside === 'string' ? undefined : inside.find(one => one.tag === tag);
  }
  return box;
}

/** The boxes one after the other (section 4.2); a sentence where one runs past its parent. */
function boxesIn(view: DataView, from: number, to: number): Box[] | string {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    const short = view.getUint32(at);
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
    const header = short === 1 ? 16 : 8;
    if (size < header || boxes.length === MAX_BOXES) return BROKEN;
    if (at + size > to) return TRUNCATED;
    boxes.push({ tag: tagAt(view, at + 4), from: at + header, to: at + size });
    at += size;
  }
  return boxes;
}

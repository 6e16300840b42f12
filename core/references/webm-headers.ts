/** @file WebM (RFC 8794 EBML, RFC 9559 Matroska) as far as wholeness, the first video track's codec, size and length. */
import { BROKEN, TRUNCATED, viewOf } from './byte-reader.ts';
import type { MediaFacts } from './media-facts.ts';

interface Element {
  readonly id: number;
  /** Offsets of its content. */
  readonly from: number;
  readonly to: number;
  /** A stream that was written while it was recorded: it lasts as long as the file. */
  readonly isOpen: boolean;
}

/** RFC 9559 section 5.1. */
const ID = {
  header: 0x1a45dfa3,
  docType: 0x4282,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackType: 0x83,
  codec: 0x86,
  video: 0xe0,
  width: 0xb0,
  height: 0xba,
  cluster: 0x1f43b675,
} as const;

const VIDEO_TRACK = 1;
const CODECS = new Set(['V_VP8', 'V_VP9', 'V_AV1']);
/** As with MP4. */
const MAX_ELEMENTS = 20_000;

/** What the elements say. */
export function webmFacts(bytes: Uint8Array): MediaFacts | string {
  const view = viewOf(bytes);
  const top = elementsIn(view, 0, bytes.length);
  if (typeof top === 'string') return top;
  const header = top.find(({ id }) => id === ID.header);
  const segment = top.find(({ id }) => id === ID.segment);
  if (header === undefined || segment === undefined) return BROKEN;
  if (textOf(view, inside(view, header, ID.docType)) !== 'webm')
    return 'it is Matroska and not WebM, which is not taken';
  const parts = elementsIn(view, segment.from, segment.to);
  if (typeof parts === 'string') return parts;
  if (!parts.some(({ id }) => id === ID.cluster)) return TRUNCATED;
  const tracks = parts.find(({ id }) => id === ID.tracks);
  const entries = tracks === undefined ? BROKEN : elementsIn(view, tracks.from, tracks.to);
  if (typeof entries === 'string') return entries;
  const track = entries.find(
    one => one.id === ID.trackEntry && numberOf(view, inside(view, one, ID.trackType)) === VIDEO_TRACK,
  );
  if (track === undefined) return 'it holds no video track';
  if (!CODECS.has(textOf(view, inside(view, track, ID.codec)))) return 'its codec is not taken; VP8, VP9 and AV1 are';
  const video = inside(view, track, ID.video);
  const [width, height] = [ID.width, ID.height].map(id => numberOf(view, video && inside(view, video, id)));
  if (!width || !height) return BROKEN;
  const info = parts.find(({ id }) => id === ID.info);
  return { width, height, seconds: info === undefined ? null : secondsOf(view, info), frames: null };
}

/** Duration in ticks of so many nanoseconds, a million where it says nothing (RFC 9559 section 5.1.2). */
function secondsOf(view: DataView, info: Element): number | null {
  const duration = inside(view, info, ID.duration);
  if (duration === undefined) return null;
  const length = duration.to - duration.from;
  const ticks = length === 4 ? view.getFloat32(duration.from) : length === 8 ? view.getFloat64(duration.from) : 0;
  const scale = numberOf(view, inside(view, info, ID.timestampScale)) ?? 1_000_000;
  const seconds = (ticks * scale) / 1e9;
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

function inside(view: DataView, parent: Element, id: number): Element | undefined {
  const elements = elementsIn(view, parent.from, parent.to);
  return typeof elements === 'string' ? undefined : elements.find(one => one.id === id);
}

/** An unsigned integer of up to six bytes; longer ones are none of ours. */
function numberOf(view: DataView, element: Element | undefined): number | undefined {
  if (element === undefined || element.to - element.from > 6) return undefined;
  let value = 0;
  for (let at = element.from; at < element.to; at++) value = value * 256 + view.getUint8(at);
  return value;
}

function textOf(view: DataView, element: Element | undefined): string {
  if (element === undefined || element.to - element.from > 32) return '';
  let text = '';
  for (let at = element.from; at < element.to && view.getUint8(at) !== 0; at++)
    text += String.fromCharCode(view.getUint8(at));
  return text;
}

/** The elements one after the other (RFC 8794 section 6); what follows one of unknown length is not looked at. */
function elementsIn(view: DataView, from: number, to: number): Element[] | string {
  const elements: Element[] = [];
  for (let at = from; at < to; ) {
    const idLength = vintLength(view.getUint8(at));
    const sizeLength = vintLength(view.getUint8(at + idLength));
    if (idLength > 4 || sizeLength > 8 || elements.length === MAX_ELEMENTS) return BROKEN;
    let id = 0;
    for (let i = 0; i < idLength; i++) id = id * 256 + view.getUint8(at + i);
    const head = at + idLength;
    let size = view.getUint8(head) & (0xff >> sizeLength);
    let isOpen = size === 0xff >> sizeLength;
    for (let i = 1; i < sizeLength; i++) {
      const byte = view.getUint8(head + i);
      isOpen &&= byte === 0xff;
      size = size * 256 + byte;
    }
    const start = head + sizeLength;
    if (!isOpen && start + size > to) return TRUNCATED;
    elements.push({ id, from: start, to: isOpen ? to : start + size, isOpen });
    if (isOpen) break;
    at = start + size;
  }
  return elements;
}

/** Bytes of a variable-length integer by its first; 9 for none. */
function vintLength(first: number): number {
  return Math.clz32(first) - 23;
}

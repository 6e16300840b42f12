import { box, c2paBox, joined, topBoxes } from './sample.ts';

/** JUMBF types (ISO/IEC 19566-5 annex B; C2PA 2.2 section 11.1): four characters and a common tail. */
const TAIL = '00110010800000aa00389b71';
const STORE = 'c2pa';
const COMPRESSED = 'c2cm';

/** A JUMBF superbox: its description, and the boxes in it. */
export function superbox(type: string, label: string, ...content: readonly Uint8Array[]): Uint8Array {
  const id = Buffer.concat([Buffer.from(type), Buffer.from(TAIL, 'hex')]);
  const description = box('jumd', joined(id, Uint8Array.of(3), Buffer.from(`${label}\0`)));
  return box('jumb', joined(description, ...content));
}

/** A store with other CBOR in the place of what the superbox of this label holds; the sizes around it are set right. */
export function withCbor(store: Uint8Array, label: string, cbor: Uint8Array): Uint8Array {
  const boxes = topBoxes(store).map(({ type, at, size }) => ({ type, content: store.subarray(at + 8, at + size) }));
  const description = boxes.find(one => one.type === 'jumd')?.content;
  const own = description && Buffer.from(description.subarray(17)).toString('latin1').split('\0')[0] === label;
  const parts = boxes.map(({ type, content }) => {
    if (type === 'jumb') return box(type, withCbor(content, label, cbor));
    return box(type, own && type === 'cbor' ? cbor : content);
  });
  return joined(...parts);
}

/** A store with one compressed manifest of these Brotli bytes. */
export function storeWithBrotli(packed: Uint8Array): Uint8Array {
  const manifest = superbox(COMPRESSED, 'urn:c2pa:00000000-0000-4000-8000-000000000000', box('brob', packed));
  return superbox(STORE, 'c2pa', manifest);
}

/** Superboxes in one another, without end as far as a reader is concerned. */
export function nestedStore(depth: number): Uint8Array {
  return nested(depth, inner => superbox(STORE, 'c2pa', inner), 41);
}

/** MP4 boxes in one another. */
export function nestedBoxes(type: string, depth: number): Uint8Array {
  return nested(depth, inner => box(type, inner), 8);
}

/** Innermost last: headers in a row, each with the size of what follows; made at once, for depths at which copying would not end. */
function nested(depth: number, wrap: (inner: Uint8Array) => Uint8Array, overhead: number): Uint8Array {
  const header = wrap(new Uint8Array());
  const own = header.length;
  if (own > overhead + 8) throw new Error(`a header of ${own} bytes`);
  const whole = new Uint8Array(own * depth);
  const view = new DataView(whole.buffer);
  for (let i = 0; i < depth; i++) {
    whole.set(header, i * own);
    view.setUint32(i * own, whole.length - i * own);
  }
  return whole;
}

/** An array in an array in an array (RFC 8949): one byte a level. */
export const deepCbor = (depth: number) => new Uint8Array(depth + 1).fill(0x81, 0, depth);

/** A text of 2^62 bytes, of which none follow. */
export const endlessCbor = Uint8Array.of(0x7b, 0x40, 0, 0, 0, 0, 0, 0, 0);

/** An index with so many empty boxes in it; finding its way through them takes the library the square of their number. */
export function crowdedIndex(boxes: number): Uint8Array {
  const children = Buffer.alloc(8 * boxes);
  for (let at = 0; at < children.length; at += 8) children.write('\0\0\0\x08free', at, 'latin1');
  return box('moov', children);
}

/** A file whose first boxes are a clip's, with this in the place of its manifest store. */
export function withStore(ftyp: Uint8Array, store: Uint8Array, rest: Uint8Array): Uint8Array {
  return joined(ftyp, c2paBox(store), rest);
}

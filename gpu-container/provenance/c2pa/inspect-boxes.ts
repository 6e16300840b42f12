import { limits } from '#core/limits.ts';

/** What the top level of a file says before anything else looks into it. */
export interface BoxFacts {
  /** It opens with a file type box (ISO/IEC 14496-12 section 4.3). */
  readonly isMp4: boolean;
  /** Sizes of the C2PA boxes that hold a manifest store, in bytes. */
  readonly manifests: readonly number[];
  /** Types in their order, C2PA boxes as `c2pa`; at most the first hundred. */
  readonly order: readonly string[];
  /** True when there are more than limits.c2paBoxes; those behind them were not looked at. */
  readonly tooMany: boolean;
  /** What is wrong with the boxes, as a sentence that begins with "its". */
  readonly damage: string | null;
}

/** Bytes [at, at + length) of a file, fewer at its end. */
export type ReadAt = (at: number, length: number) => Uint8Array;

/** `uuid` boxes of C2PA 2.2 (annex A.3): this id, four bytes of version and flags, then the purpose as text that ends with a zero. */
const C2PA_UUID = 'd8fec3d61b0e483c92975828877ec481';
const HEADER = 16;
const UUID_HEADER = HEADER + 16 + 4 + 16;
const MAX_ORDER = 100;

/** Walks the boxes at the top of a file without reading what is in them. */
export function inspectBoxes(readAt: ReadAt, size: number): BoxFacts {
  const order: string[] = [];
  const manifests: number[] = [];
  const facts = (damage: string | null) => ({
    ...{ isMp4: order[0] === 'ftyp', manifests, order, damage },
    tooMany: boxes > limits.c2paBoxes,
  });
  let boxes = 0;
  for (let at = 0; at < size && boxes <= limits.c2paBoxes; boxes++) {
    const bytes = readAt(at, UUID_HEADER);
    if (bytes.length < 8) return facts(`its last ${size - at} bytes are no box`);
    const { type, length, header } = boxAt(bytes, size - at);
    const kind = type === 'uuid' ? purposeOf(bytes.subarray(header)) : type;
    if (order.length < MAX_ORDER) order.push(kind);
    if (kind === 'c2pa') manifests.push(length);
    if (length < header) return facts(`its box at byte ${at} is given ${length} bytes, less than its own header`);
    if (at + length > size)
      return facts(
        `its box at byte ${at} is given ${length} bytes, and the file ends after ${size - at}: it is cut off`,
      );
    at += length;
  }
  return facts(null);
}

/** The same for a file in memory. */
export function inspectBytes(file: Uint8Array): BoxFacts {
  return inspectBoxes((at, length) => file.subarray(at, at + length), file.length);
}

function boxAt(bytes: Uint8Array, left: number): { type: string; length: number; header: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = view.getUint32(0);
  const type = String.fromCharCode(...bytes.subarray(4, 8));
  if (short === 0) return { type, length: left, header: 8 };
  if (short !== 1) return { type, length: short, header: 8 };
  return { type, length: bytes.length < HEADER ? 0 : Number(view.getBigUint64(8)), header: HEADER };
}

function purposeOf(content: Uint8Array): string {
  if (Buffer.from(content.subarray(0, 16)).toString('hex') !== C2PA_UUID) return 'uuid';
  const purpose = Buffer.from(content.subarray(20, 36)).toString('latin1').split('\0')[0];
  return purpose === 'merkle' ? 'uuid' : 'c2pa';
}

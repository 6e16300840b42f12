import { tagAt, viewOf } from '#core/references/byte-reader.ts';

/** Boxes that hold boxes (ISO/IEC 14496-12), and the bytes before those. */
const CONTAINERS: Readonly<Record<string, number>> = {
  ...{ moov: 0, trak: 0, edts: 0, mdia: 0, minf: 0, dinf: 0, stbl: 0, mvex: 0, moof: 0, traf: 0, mfra: 0, udta: 0 },
  ...{ meta: 4, iprp: 0, ipco: 0, ilst: 0, schi: 0, sinf: 0, strk: 0, meco: 0 },
};

/**
 * Boxes of an MP4 at all levels, counted no further than one more than `most`: readers take the square of their number, so a crowd of
 * empty ones is known before any reader sees it. Damage ends the counting of its level.
 */
export function countBoxes(file: Uint8Array, most: number): number {
  const view = viewOf(file);
  const levels: [from: number, to: number][] = [[0, file.length]];
  let boxes = 0;
  for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
    const [from, to] = level;
    for (let at = from; at + 8 <= to; ) {
      if (++boxes > most) return boxes;
      const short = view.getUint32(at);
      const isLong = short === 1 && at + 16 <= to;
      const size = isLong ? Number(view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
      const header = isLong ? 16 : 8;
      if (size < header) break;
      const end = Math.min(to, at + size);
      const skip = CONTAINERS[tagAt(view, at + 4)];
      if (skip !== undefined && at + header + skip < end) levels.push([at + header + skip, end]);
      at += size;
    }
  }
  return boxes;
}

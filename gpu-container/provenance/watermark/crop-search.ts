/**
 * @file Finds which part of the marked frame a picture shows, by trying: 9,264 parts of 75 % of each side and more, then finer ones around
 * the best of them. The edges tried lie on half cells of the grid, so for one scale all of them read the same resampled picture.
 *
 * The two blocks of a bit agree where the part is right and not where it is wrong; how much they agree is the score, in standard
 * deviations of a picture without a mark.
 */

import { shownBlocks } from './detect.ts';
import { cornerOf, measureBlocks } from './embed.ts';
import { checkFrameSize, type FrameSize, planesOf } from './i420.ts';
import type { KeyStream, PlaneKey } from './key-stream.ts';
import { BLOCK, BLOCKS, CODED_BITS, GRID } from './lattice.ts';
import { croppedResampler, type Geometry, mixColumns, type Resampler, shrinkRows, triangles } from './resample.ts';

/** What a search found. */
export interface Found {
  /** The likeliest parts, the best first: read each. */
  readonly parts: readonly Candidate[];
  /** Parts that were tried: the odds multiply with them. */
  readonly tried: number;
}

/** A part and how likely it is. */
export interface Candidate {
  readonly geometry: Geometry;
  /** Standard deviations above what unmarked pictures give; the highest of so many tries is some 4 without a mark. */
  readonly score: number;
}

/** Frames that a search looks at: more make it slower, fewer less sure. */
export const SEARCH_FRAMES = 3;
const SCALES = 24;
const SCALE_STEP = 1 / 96;
/** Edges lie on half cells of the grid: 1/128 of a side. Whole cells miss the mark. */
const EDGES = 2 * GRID;
/** The coarse winners that are looked at more closely: the right part is not always the first. */
const KEPT = 5;
const FINE_STEPS = [1 / 256, 1 / 512];
/** Parts that are given back. */
const PARTS = 2;
/** A hill is climbed at most so far. */
const CLIMBS = 3;

/** Which frames of a clip a search takes: spread over it. */
export function searchFrameIndices(frames: number): number[] {
  const count = Math.min(frames, SEARCH_FRAMES);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * frames) / count));
}

/**
 * The parts of the marked frame that some frames of a clip show most likely. I420 without padding, all of one size; RangeError without
 * any. Its time depends on the size alone: some seconds, so call it off the event loop's thread.
 */
export function searchCrop(keys: KeyStream, frames: readonly Uint8Array[], size: FrameSize): Found {
  checkFrameSize(size);
  if (frames.length === 0) throw new RangeError('watermark: got no frame; at least one is needed.');
  const luma = frames.slice(0, SEARCH_FRAMES).map(frame => planesOf(frame, size)[0]!.bytes);
  const key = keys[0]!;
  const coarse: Candidate[] = [];
  let tried = 0;
  for (let k = 1; k <= SCALES; k++) {
    const found = searchScale(key, luma, size, 1 - k * SCALE_STEP);
    tried += found.length;
    coarse.push(...found.sort((a, b) => b.score - a.score).slice(0, KEPT));
  }
  const scorer = openScorer(key, luma, size);
  let kept = coarse.sort((a, b) => b.score - a.score).slice(0, KEPT);
  for (const step of FINE_STEPS) {
    kept = kept.map(candidate => climb(scorer.score, candidate, step)).sort((a, b) => b.score - a.score);
    kept = kept.filter((one, i) => !kept.slice(0, i).some(other => isNear(one, other))).slice(0, PARTS);
  }
  return { parts: kept, tried: tried + scorer.count() };
}

/** Whether two hills are one. */
function isNear({ geometry: a }: Candidate, { geometry: b }: Candidate): boolean {
  return Math.max(Math.abs(a.scale - b.scale), Math.abs(a.x - b.x), Math.abs(a.y - b.y)) < 1 / EDGES;
}

/** Every part of one scale, on half cells. */
function searchScale(key: PlaneKey, luma: readonly Uint8Array[], size: FrameSize, scale: number): Candidate[] {
  const places = Math.floor(EDGES * scale + 1e-9) + 1;
  const axis = (side: number) =>
    triangles(side, places, t => (t / EDGES / scale) * side - 0.5, Math.max(1, side / (GRID * scale)));
  const [rows, columns] = [axis(size.height), axis(size.width)];
  const wide = new Float32Array(places * size.width);
  const pictures = luma.map(plane => {
    const picture = new Float32Array(places * places);
    shrinkRows(rows, plane, size.width, wide);
    mixColumns(columns, wide, places, picture);
    return picture;
  });
  const [carrier, votes] = [carrierByBlock(key), new Float64Array(BLOCKS)];
  const found: Candidate[] = [];
  const edges = Math.floor((1 - scale) * EDGES + 1e-9);
  for (let y = 0; y <= edges; y++)
    for (let x = 0; x <= edges; x++) {
      voteShifted(key, carrier, pictures, places, [x, y], votes);
      found.push({ geometry: { scale, x: x / EDGES, y: y / EDGES }, score: agreementScore(key, votes, SHOWN) });
    }
  return found;
}

const ACROSS = GRID / BLOCK;
/** From the first to the last cell of a block, in places of half cells. */
const REACH = 2 * (BLOCK - 1);
const CELLS = BLOCK * BLOCK;
const SHOWN = new Uint8Array(BLOCKS);

/** The carrier, the sixteen cells of a block in a row. */
function carrierByBlock({ carrier }: PlaneKey): Float32Array {
  const cells = new Float32Array(BLOCKS * CELLS);
  for (let block = 0; block < BLOCKS; block++)
    for (let i = 0; i < CELLS; i++)
      cells[block * CELLS + i] = carrier[cornerOf(block) + Math.floor(i / BLOCK) * GRID + (i % BLOCK)]!;
  return cells;
}

/** Votes of the blocks of a part whose edges are `x` and `y` half cells in. Cell k of the grid is place 2k + 1 - edge. */
function voteShifted(
  { dithers, rule }: PlaneKey,
  carrier: Float32Array,
  pictures: readonly Float32Array[],
  places: number,
  [x, y]: readonly [number, number],
  votes: Float64Array,
): void {
  const turn = (2 * Math.PI) / rule.step;
  const cells = Int32Array.from({ length: CELLS }, (_, i) => 2 * (Math.floor(i / BLOCK) * places + (i % BLOCK)));
  for (let block = 0; block < ACROSS * ACROSS; block++) {
    const column = block % ACROSS;
    const [top, left] = [((block - column) / ACROSS) * (REACH + 2) + 1 - y, column * (REACH + 2) + 1 - x];
    votes[block] = 0;
    SHOWN[block] = top >= 0 && left >= 0 && top + REACH < places && left + REACH < places ? 1 : 0;
    if (SHOWN[block] === 0) continue;
    const corner = top * places + left;
    for (let p = 0; p < pictures.length; p++) {
      const picture = pictures[p]!;
      let sum = 0;
      for (let i = 0, c = block * CELLS; i < CELLS; i++, c++) sum += picture[corner + cells[i]!]! * carrier[c]!;
      votes[block]! -= Math.cos(sum * turn - 2 * Math.PI * dithers[block]!);
    }
  }
}

/** How much the two blocks of each bit agree. */
function agreementScore({ bits }: PlaneKey, votes: Float64Array, shown: Uint8Array): number {
  FIRST.fill(-1);
  let [together, spread] = [0, 0];
  for (let block = 0; block < shown.length; block++) {
    if (shown[block] === 0) continue;
    const bit = bits[block]!;
    const other = FIRST[bit]!;
    if (other < 0) {
      FIRST[bit] = block;
      continue;
    }
    const both = votes[block]! * votes[other]!;
    together += both;
    spread += both * both;
  }
  return spread === 0 ? 0 : together / Math.sqrt(spread);
}

const FIRST = new Int32Array(CODED_BITS);

/** Scores of any part. */
function openScorer(key: PlaneKey, luma: readonly Uint8Array[], { width, height }: FrameSize) {
  const wide = luma.map(() => new Float32Array(GRID * width));
  const grid = new Float32Array(GRID * GRID);
  const [values, votes] = [new Float64Array(BLOCKS), new Float64Array(BLOCKS)];
  const turn = (2 * Math.PI) / key.rule.step;
  let scored = 0;
  // Neighbours to the left and right share their rows, which are most of the work.
  let rows: Resampler | undefined;
  let [rowsScale, rowsY] = [0, 0];
  return {
    count: () => scored,
    score({ scale, x, y }: Geometry): number {
      if (rows === undefined || rowsScale !== scale || rowsY !== y) {
        rows = croppedResampler(height, scale, y);
        [rowsScale, rowsY] = [scale, y];
        for (const [i, plane] of luma.entries()) shrinkRows(rows, plane, width, wide[i]!);
      }
      const columns = croppedResampler(width, scale, x);
      votes.fill(0);
      for (const frame of wide) {
        mixColumns(columns, frame, GRID, grid);
        measureBlocks(grid, key.carrier, values);
        for (let block = 0; block < votes.length; block++)
          votes[block]! -= Math.cos(values[block]! * turn - 2 * Math.PI * key.dithers[block]!);
      }
      scored++;
      return agreementScore(key, votes, shownBlocks(rows, columns));
    },
  };
}

/** Moves to the best of 26 neighbours while there is a better one. */
function climb(score: (part: Geometry) => number, from: Candidate, step: number): Candidate {
  let best = from;
  for (let i = 0; i < CLIMBS; i++) {
    const { scale, x, y } = best.geometry;
    const start = best;
    for (const ds of [-step, 0, step])
      for (const dy of [-step, 0, step])
        for (const dx of [-step, 0, step]) {
          const geometry = { scale: scale + ds, x: x + dx, y: y + dy };
          if (geometry.scale > 1 || (ds === 0 && dy === 0 && dx === 0)) continue;
          const value = score(geometry);
          if (value > best.score) best = { geometry, score: value };
        }
    if (best === start) return best;
  }
  return best;
}

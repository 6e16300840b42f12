/**
 * @file Finds which part of the marked frame a picture shows, by trying: 9,264 parts of 75 % of each side and more, then finer ones around
 * the best of them. The edges tried lie on half cells of the grid, so for one scale all of them read the same resampled picture.
 *
 * The two blocks of a bit agree where the part is right and not where it is wrong; how much they agree is the score, in standard
 * deviations of a picture without a mark.
 */

import { shownBlocks } from './detect.ts';
import { measureBlocks } from './embed.ts';
import { checkFrameSize, type FrameSize, planesOf } from './i420.ts';
import type { KeyStream, PlaneKey } from './key-stream.ts';
import { BLOCK, BLOCKS, CODED_BITS, GRID } from './lattice.ts';
import { croppedResampler, type Geometry, mixColumns, shrinkRows, triangles } from './resample.ts';

/** The best part that was found. */
export interface Found {
  readonly geometry: Geometry;
  /** Standard deviations above what unmarked pictures give; the highest of so many tries is some 4 without a mark. */
  readonly score: number;
  /** Parts that were tried: the odds multiply with them. */
  readonly tried: number;
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
/** A hill is climbed at most so far. */
const CLIMBS = 3;

interface Candidate {
  readonly geometry: Geometry;
  readonly score: number;
}

/** Which frames of a clip a search takes: spread over it. */
export function searchFrameIndices(frames: number): number[] {
  const count = Math.min(frames, SEARCH_FRAMES);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * frames) / count));
}

/**
 * The part of the marked frame that some frames of a clip show most likely. I420 without padding, all of one size; RangeError without
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
    kept = kept.slice(0, 2);
  }
  return { ...kept[0]!, tried: tried + scorer.count() };
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
  const votes = new Float64Array(BLOCKS);
  const found: Candidate[] = [];
  const edges = Math.floor((1 - scale) * EDGES + 1e-9);
  for (let y = 0; y <= edges; y++)
    for (let x = 0; x <= edges; x++) {
      const shown = voteShifted(key, pictures, places, x, y, votes);
      found.push({ geometry: { scale, x: x / EDGES, y: y / EDGES }, score: agreementScore(key, votes, shown) });
    }
  return found;
}

const SHOWN = new Uint8Array(BLOCKS);

/** Votes of the blocks of a part whose edges are `x` and `y` half cells in. Cell k of the grid is place 2k + 1 - edge. */
function voteShifted(
  { carrier, dithers, rule }: PlaneKey,
  pictures: readonly Float32Array[],
  places: number,
  x: number,
  y: number,
  votes: Float64Array,
): Uint8Array {
  const across = GRID / BLOCK;
  const turn = (2 * Math.PI) / rule.step;
  for (let block = 0; block < BLOCKS; block++) {
    const [row, column] = [Math.floor(block / across) * BLOCK, (block % across) * BLOCK];
    const [top, left] = [2 * row + 1 - y, 2 * column + 1 - x];
    votes[block] = 0;
    const reach = 2 * (BLOCK - 1);
    SHOWN[block] = top >= 0 && left >= 0 && top + reach < places && left + reach < places ? 1 : 0;
    if (SHOWN[block] === 0) continue;
    for (const picture of pictures) {
      let sum = 0;
      for (let i = 0; i < BLOCK; i++)
        for (let j = 0; j < BLOCK; j++)
          sum += picture[(top + 2 * i) * places + left + 2 * j]! * carrier[(row + i) * GRID + column + j]!;
      votes[block]! -= Math.cos(sum * turn - 2 * Math.PI * dithers[block]!);
    }
  }
  return SHOWN;
}

/** How much the two blocks of each bit agree. */
function agreementScore({ bits }: PlaneKey, votes: Float64Array, shown: Uint8Array): number {
  FIRST.fill(-1);
  let [together, spread] = [0, 0];
  for (let block = 0; block < BLOCKS; block++) {
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
  const [wide, grid] = [new Float32Array(GRID * width), new Float32Array(GRID * GRID)];
  const [values, votes] = [new Float64Array(BLOCKS), new Float64Array(BLOCKS)];
  const turn = (2 * Math.PI) / key.rule.step;
  let scored = 0;
  return {
    count: () => scored,
    score({ scale, x, y }: Geometry): number {
      const [rows, columns] = [croppedResampler(height, scale, y), croppedResampler(width, scale, x)];
      votes.fill(0);
      for (const plane of luma) {
        shrinkRows(rows, plane, width, wide);
        mixColumns(columns, wide, GRID, grid);
        measureBlocks(grid, key.carrier, values);
        for (let block = 0; block < BLOCKS; block++)
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

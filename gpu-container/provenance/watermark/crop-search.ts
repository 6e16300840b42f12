/**
 * @file Finds which part of the marked frame a picture shows, by trying: 9,264 parts of 75 % of each side and more, then finer ones around
 * the best of them. The edges tried lie on half cells of the grid, so for one scale all of them read the same resampled picture. Luma is
 * looked at first; where it says nothing that is surely a mark (text, whose edges drown it), chroma is asked as well.
 *
 * The two blocks of a bit agree where the part is right and not where it is wrong; how much they agree is the score, in standard
 * deviations of a picture without a mark.
 */
import { shownBlocks } from './detect.ts';
import { cornerOf, measureBlocks } from './embed.ts';
import { checkFrameSize, type FrameSize, planeSizes, planesOf } from './i420.ts';
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
const LEAST_SCALE = 0.75;
const SCALE_STEP = 1 / 96;
/** Edges lie on half cells of the grid, 1/128 of a side: whole cells miss the mark. */
const EDGES = 2 * GRID;
/** The highest score of so many unmarked tries is some 4; above this nothing better is looked for. */
const SURE = 5;
/** The coarse winners that are looked at more closely: the right part is not always the first. */
const KEPT = 5;
const FINE_STEPS = [1 / 256, 1 / 512];
/** Hills that are climbed to the end, for luma and for chroma. */
const PARTS = 2;
/** Parts that are given back: with the whole frame and four ways of reading each, 16 tags are compared, which the odds still bear. */
const MOST_PARTS = 3;
/** A hill is climbed at most so far. */
const CLIMBS = 3;

/** Which frames of a clip a search takes: spread over it. */
export function searchFrameIndices(frames: number): number[] {
  const count = Math.min(frames, SEARCH_FRAMES);
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * frames) / count));
}

/**
 * The parts of the marked frame that some frames of a clip show most likely. I420 without padding, all of one size; RangeError without
 * any. Its time grows with the size alone: a second of CPU for 512x288, so call it off the event loop's thread, and shrink what has more
 * than a million pixels first; the search does not mind.
 */
export function searchCrop(keys: KeyStream, frames: readonly Uint8Array[], size: FrameSize): Found {
  checkFrameSize(size);
  if (frames.length === 0) throw new RangeError('watermark: got no frame; at least one is needed.');
  const planes = frames.slice(0, SEARCH_FRAMES).map(frame => planesOf(frame, size));
  const views = keys.map((key, p): View => ({ key, ...planeSizes(size)[p]!, frames: planes.map(of => of[p]!.bytes) }));
  let tried = 0;
  const parts: Candidate[] = [];
  for (const looked of [views.slice(0, 1), views.slice(1)]) {
    const coarse = searchGrid(looked);
    const scorer = openScorer(looked);
    parts.push(...refine(scorer.score, coarse.best));
    tried += coarse.tried + scorer.count();
    if (parts.some(({ score }) => score > SURE)) break;
  }
  return { parts: parts.sort(byScore).slice(0, MOST_PARTS), tried };
}

/** One plane of some frames. */
interface View extends FrameSize {
  readonly key: PlaneKey;
  readonly frames: readonly Uint8Array[];
}

function searchGrid(views: readonly View[]) {
  const best: Candidate[] = [];
  let tried = 0;
  for (let k = 1; 1 - k * SCALE_STEP > LEAST_SCALE - 1e-9; k++) {
    const found = searchScale(views, 1 - k * SCALE_STEP);
    tried += found.length;
    best.push(...found.sort(byScore).slice(0, KEPT));
  }
  return { best: best.sort(byScore).slice(0, KEPT), tried };
}

const byScore = (a: Candidate, b: Candidate) => b.score - a.score;

function refine(score: (part: Geometry) => number, candidates: readonly Candidate[]): Candidate[] {
  let kept = [...candidates];
  for (const step of FINE_STEPS) {
    kept = kept.map(candidate => climb(score, candidate, step)).sort(byScore);
    kept = kept.filter((one, i) => !kept.slice(0, i).some(other => isNear(one, other))).slice(0, PARTS);
  }
  return kept;
}

/** Whether two hills are one. */
function isNear({ geometry: a }: Candidate, { geometry: b }: Candidate): boolean {
  return Math.max(Math.abs(a.scale - b.scale), Math.abs(a.x - b.x), Math.abs(a.y - b.y)) < 1 / EDGES;
}

/** Every part of one scale. */
function searchScale(views: readonly View[], scale: number): Candidate[] {
  const places = Math.floor(EDGES * scale + 1e-9) + 1;
  const seen = views.map(view => ({
    key: view.key,
    carrier: carrierByBlock(view.key),
    pictures: picturesOf(view, places, scale),
  }));
  const votes = new Float64Array(BLOCKS);
  const found: Candidate[] = [];
  const most = Math.floor((1 - scale) * EDGES + 1e-9);
  for (let y = 0; y <= most; y++)
    for (let x = 0; x <= most; x++) {
      const sums = { together: 0, spread: 0 };
      for (const { key, carrier, pictures } of seen) {
        voteShifted(key, carrier, { pictures, places, x, y }, votes);
        addAgreement(key, votes, SHOWN, sums);
      }
      found.push({ geometry: { scale, x: x / EDGES, y: y / EDGES }, score: scoreOf(sums) });
    }
  return found;
}

/** The frames of a plane at every place of the edges that is shown: [places, places] each. */
function picturesOf({ key, width, height, frames }: View, places: number, scale: number): Float32Array[] {
  const axis = (side: number) =>
    triangles(side, places, t => (t / EDGES / scale) * side - 0.5, Math.max(1, side / (GRID * scale)));
  const [rows, columns] = [axis(height), axis(width)];
  const wide = new Float32Array(places * width);
  return frames.map(plane => {
    const picture = new Float32Array(places * places);
    shrinkRows(rows, plane, width, wide);
    mixColumns(columns, wide, places, picture);
    return picture.map(value => value - key.rule.offset);
  });
}

const ACROSS = GRID / BLOCK;
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

interface Shifted {
  /** [places, places] each */
  readonly pictures: readonly Float32Array[];
  readonly places: number;
  /** How many places the edges are in. */
  readonly x: number;
  readonly y: number;
}

/** Votes of the blocks of a part. The middle of cell k of the grid is place 2k + 1 - edge. */
function voteShifted(
  { dithers, rule }: PlaneKey,
  carrier: Float32Array,
  { pictures, places, x, y }: Shifted,
  votes: Float64Array,
): void {
  const turn = (2 * Math.PI) / rule.step;
  const reach = 2 * (BLOCK - 1);
  const cells = Int32Array.from({ length: CELLS }, (_, i) => 2 * (Math.floor(i / BLOCK) * places + (i % BLOCK)));
  for (let block = 0; block < ACROSS * ACROSS; block++) {
    const column = block % ACROSS;
    const row = (block - column) / ACROSS;
    const [top, left] = [row * (reach + 2) + 1 - y, column * (reach + 2) + 1 - x];
    votes[block] = 0;
    SHOWN[block] = top >= 0 && left >= 0 && top + reach < places && left + reach < places ? 1 : 0;
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

interface Sums {
  together: number;
  spread: number;
}

const scoreOf = ({ together, spread }: Sums) => (spread === 0 ? 0 : together / Math.sqrt(spread));

/** How much the two blocks of each bit agree. */
function addAgreement({ bits }: PlaneKey, votes: Float64Array, shown: Uint8Array, sums: Sums): void {
  FIRST.fill(-1);
  for (let block = 0; block < shown.length; block++) {
    if (shown[block] === 0) continue;
    const bit = bits[block]!;
    const other = FIRST[bit]!;
    if (other < 0) {
      FIRST[bit] = block;
      continue;
    }
    const both = votes[block]! * votes[other]!;
    sums.together += both;
    sums.spread += both * both;
  }
}

const FIRST = new Int32Array(CODED_BITS);

/** Scores of any part. */
function openScorer(views: readonly View[]) {
  const listeners = views.map(openListener);
  let scored = 0;
  return {
    count: () => scored,
    score(part: Geometry): number {
      const sums = { together: 0, spread: 0 };
      for (const listen of listeners) listen(part, sums);
      scored++;
      return scoreOf(sums);
    },
  };
}

function openListener({ key, width, height, frames }: View): (part: Geometry, sums: Sums) => void {
  const wide = frames.map(() => new Float32Array(GRID * width));
  const grid = new Float32Array(GRID * GRID);
  const [values, votes] = [new Float64Array(BLOCKS), new Float64Array(BLOCKS)];
  const turn = (2 * Math.PI) / key.rule.step;
  // Neighbours to the left and right share their rows, which are most of the work.
  let rows: Resampler | undefined;
  let [rowsScale, rowsY] = [0, 0];
  return ({ scale, x, y }, sums) => {
    if (rows === undefined || rowsScale !== scale || rowsY !== y) {
      rows = croppedResampler(height, scale, y);
      [rowsScale, rowsY] = [scale, y];
      for (const [i, plane] of frames.entries()) shrinkRows(rows, plane, width, wide[i]!);
    }
    const columns = croppedResampler(width, scale, x);
    votes.fill(0);
    for (const frame of wide) {
      mixColumns(columns, frame, GRID, grid);
      for (let i = 0; i < grid.length; i++) grid[i]! -= key.rule.offset;
      measureBlocks(grid, key.carrier, values);
      for (let block = 0; block < votes.length; block++)
        votes[block]! -= Math.cos(values[block]! * turn - 2 * Math.PI * key.dithers[block]!);
    }
    addAgreement(key, votes, shownBlocks(rows, columns), sums);
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

/** @file Reads the mark from frames: from a whole clip or from one of its frames, from a picture of the whole frame or of a part of it. */
import { decodeMessage, type Message } from './coded-word.ts';
import { measureBlocks } from './embed.ts';
import { checkFrameSize, type FrameSize, planeSizes, planesOf } from './i420.ts';
import type { KeyStream, PlaneKey } from './key-stream.ts';
import { BLOCKS, CODED_BITS, GRID } from './lattice.ts';
import {
  croppedResampler,
  type Geometry,
  mixColumns,
  type Resampler,
  resampler,
  shrinkRows,
  WHOLE,
} from './resample.ts';

/** Contrasts that a clip may have been given: 1 first, which wins a draw. */
const GAINS = [1, ...Array.from({ length: 21 }, (_, i) => 0.5 + 0.05 * i).filter(gain => Math.abs(gain - 1) > 0.01)];

/** What was read. Any picture gives a reading; only the odds say whether it is a mark. */
export interface Reading {
  readonly frames: number;
  /** 128 values: above 0 speaks for 1. */
  readonly soft: Float64Array;
  /** The same as bits, one a byte: what is compared with the word of a job that is suspected. */
  readonly bits: Uint8Array;
  /** The message that fits best. */
  readonly message: Message;
  /** The contrast at which each plane spoke most clearly. */
  readonly gains: readonly number[];
}

/** Collects evidence, frame by frame; memory does not grow with them. */
export interface Detector {
  /** I420 without padding, of the detector's size; not changed. */
  add(frame: Uint8Array): void;
  /** What was read so far. RangeError before the first frame. */
  read(): Reading;
}

/** A detector for frames of one size; for a part of the marked frame, of that part's geometry. */
export function openDetector(keys: KeyStream, size: FrameSize, geometry: Geometry = WHOLE): Detector {
  checkFrameSize(size);
  const isWhole = geometry.scale === 1 && geometry.x === 0 && geometry.y === 0;
  const gains = isWhole ? GAINS : [1];
  const sizes = planeSizes(size);
  const planes = keys.map((key, i) => openPlane(key, sizes[i]!, geometry, gains));
  let frames = 0;
  return {
    add(frame) {
      const views = planesOf(frame, size);
      for (let i = 0; i < planes.length; i++) planes[i]!.add(views[i]!.bytes);
      frames++;
    },
    read() {
      if (frames === 0) throw new RangeError('watermark: got no frame; at least one is needed.');
      const clearest = planes.map(plane => plane.clearest(frames));
      const soft = new Float64Array(CODED_BITS);
      for (const { votes, energy } of clearest) {
        const weight = isWhole ? Math.sqrt(energy) : 1;
        for (let bit = 0; bit < CODED_BITS; bit++) soft[bit]! += weight * votes[bit]!;
      }
      const bits = Uint8Array.from(soft, value => (value > 0 ? 1 : 0));
      return { frames, soft, bits, message: decodeMessage(soft), gains: clearest.map(({ gain }) => gain) };
    },
  };
}

function openPlane(key: PlaneKey, { width, height }: FrameSize, geometry: Geometry, gains: readonly number[]) {
  const rows = axis(height, geometry.scale, geometry.y);
  const columns = axis(width, geometry.scale, geometry.x);
  const shown = shownBlocks(rows, columns);
  const [wide, grid] = [new Float32Array(GRID * width), new Float32Array(GRID * GRID)];
  const values = new Float64Array(BLOCKS);
  /** [gains, blocks]: how much each block speaks for 1, over all frames. */
  const votes = new Float64Array(gains.length * BLOCKS);
  const turns = gains.map(gain => (2 * Math.PI) / (gain * key.rule.step));
  const starts = Float64Array.from(key.dithers, dither => 2 * Math.PI * dither);
  return {
    add(plane: Uint8Array): void {
      shrinkRows(rows, plane, width, wide);
      mixColumns(columns, wide, GRID, grid);
      for (let i = 0; i < grid.length; i++) grid[i]! -= key.rule.offset;
      measureBlocks(grid, key.carrier, values);
      for (let g = 0; g < turns.length; g++)
        for (let block = 0; block < BLOCKS; block++)
          if (shown[block] === 1) votes[g * BLOCKS + block]! -= Math.cos(values[block]! * turns[g]! - starts[block]!);
    },
    /** The gain at which the blocks of a bit agree most, its votes [128] and their energy. */
    clearest(frames: number) {
      const all = gains.map((gain, g) => {
        const sums = new Float64Array(CODED_BITS);
        for (let block = 0; block < BLOCKS; block++)
          sums[key.bits[block]!]! += votes[g * BLOCKS + block]! / Math.sqrt(frames);
        return { gain, votes: sums, energy: sums.reduce((sum, vote) => sum + vote * vote, 0) };
      });
      return all.reduce((best, one) => (one.energy > best.energy ? one : best));
    },
  };
}

function axis(side: number, scale: number, offset: number): Resampler {
  return scale === 1 && offset === 0 ? resampler(side, GRID) : croppedResampler(side, scale, offset);
}

/** 1 for each block whose every cell the picture shows: what is beyond its edge says nothing. */
export function shownBlocks(rows: Resampler, columns: Resampler): Uint8Array {
  const [down, across] = [rows, columns].map(matrix =>
    Array.from({ length: GRID }, (_, k) =>
      matrix.weights.subarray(k * matrix.taps, (k + 1) * matrix.taps).some(weight => weight !== 0),
    ),
  );
  const perSide = Math.sqrt(BLOCKS);
  const cells = GRID / perSide;
  const isShown = (axisShown: readonly boolean[], at: number) =>
    axisShown.slice(at * cells, (at + 1) * cells).every(Boolean);
  return Uint8Array.from({ length: BLOCKS }, (_, block) =>
    isShown(down!, Math.floor(block / perSide)) && isShown(across!, block % perSide) ? 1 : 0,
  );
}

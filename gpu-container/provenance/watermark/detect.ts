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

/**
 * Another contrast than 1 must speak so much more clearly: in a plane of one colour a wrong one can turn every bit around, at nearly the
 * energy of the right one.
 */
const CLEARER = 1.3;

/** What was read. Any picture gives a reading; only the odds say whether it is a mark. */
export interface Reading {
  /** 128 values: above 0 speaks for 1. */
  readonly soft: Float64Array;
  /** The same as bits, one a byte: what is compared with the word of a job that is suspected. */
  readonly bits: Uint8Array;
  /** The message that fits best. */
  readonly message: Message;
  /** The contrast at which each plane was read that counted. */
  readonly gains: readonly number[];
}

/** Collects evidence, frame by frame; memory does not grow with them. */
export interface Detector {
  /** I420 without padding, of the detector's size; not changed. */
  add(frame: Uint8Array): void;
  /**
   * What was read so far, in up to four ways, the likeliest first; the odds count each. They differ in how the contrast of a plane is
   * found and how much each plane counts. RangeError before the first frame.
   */
  read(): readonly Reading[];
}

/** A detector for frames of one size; for a part of the marked frame, of that part's geometry. */
export function openDetector(keys: KeyStream, size: FrameSize, geometry: Geometry = WHOLE): Detector {
  checkFrameSize(size);
  const sizes = planeSizes(size);
  const planes = keys.map((key, i) => openPlane(key, sizes[i]!, geometry));
  let frames = 0;
  return {
    add(frame) {
      const views = planesOf(frame, size);
      for (let i = 0; i < planes.length; i++) planes[i]!.add(views[i]!.bytes);
      frames++;
    },
    read() {
      if (frames === 0) throw new RangeError('watermark: got no frame; at least one is needed.');
      const heard = planes.map(plane => plane.heard(frames));
      const prefersOne = heard.map(gains => preferred(gains, CLEARER));
      const ways = [
        combine(prefersOne, voice => voice.clarity),
        // A tint moves the means that chroma carries, and four levels of it turn its bits around; luma's are not moved.
        combine(prefersOne.slice(0, 1), () => 1),
        combine(prefersOne, voice => Math.sqrt(voice.energy)),
        combine(
          heard.map(gains => preferred(gains, 1)),
          voice => Math.sqrt(voice.energy),
        ),
      ];
      const isNew = ({ message: { left, right } }: Reading, i: number) =>
        ways.findIndex(({ message }) => message.left === left && message.right === right) === i;
      return ways.filter(isNew);
    },
  };
}

/** What one plane says at one contrast. */
interface Voice {
  readonly gain: number;
  /** [128] */
  readonly votes: Float64Array;
  /** Sum of their squares. */
  readonly energy: number;
  /** What the two blocks of a bit have in common over how they differ: the weight of a voice among voices. */
  readonly clarity: number;
}

function preferred(voices: readonly Voice[], clearer: number): Voice {
  const [one] = voices as [Voice];
  const best = voices.reduce((a, b) => (b.energy > a.energy ? b : a));
  return best.energy > clearer * one.energy ? best : one;
}

function combine(voices: readonly Voice[], weightOf: (voice: Voice) => number): Reading {
  const soft = new Float64Array(CODED_BITS);
  for (const voice of voices) {
    const weight = weightOf(voice);
    for (let bit = 0; bit < CODED_BITS; bit++) soft[bit]! += weight * voice.votes[bit]!;
  }
  const bits = Uint8Array.from(soft, value => (value > 0 ? 1 : 0));
  return { soft, bits, message: decodeMessage(soft), gains: voices.map(({ gain }) => gain) };
}

function openPlane(key: PlaneKey, { width, height }: FrameSize, geometry: Geometry) {
  const rows = axis(height, geometry.scale, geometry.y);
  const columns = axis(width, geometry.scale, geometry.x);
  const shown = shownBlocks(rows, columns);
  const [wide, grid] = [new Float32Array(GRID * width), new Float32Array(GRID * GRID)];
  const values = new Float64Array(BLOCKS);
  /** [gains, blocks]: how much each block speaks for 1, over all frames. */
  const votes = new Float64Array(GAINS.length * BLOCKS);
  const turns = GAINS.map(gain => (2 * Math.PI) / (gain * key.rule.step));
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
    heard: (frames: number) =>
      GAINS.map((gain, g) => voiceOf(key, gain, votes.subarray(g * BLOCKS, (g + 1) * BLOCKS), frames)),
  };
}

function voiceOf({ bits }: PlaneKey, gain: number, blocks: Float64Array, frames: number): Voice {
  const votes = new Float64Array(CODED_BITS);
  let single = 0;
  for (let block = 0; block < BLOCKS; block++) {
    const vote = blocks[block]! / Math.sqrt(frames);
    votes[bits[block]!]! += vote;
    single += vote * vote;
  }
  const energy = votes.reduce((sum, vote) => sum + vote * vote, 0);
  const common = energy - single; // twice the products of the blocks of a bit
  const apart = single - common; // the squares of their differences
  return { gain, votes, energy, clarity: Math.sqrt(Math.max(0, common)) / (apart + single / 100 + 1e-9) };
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

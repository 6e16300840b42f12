import { type LumaClip, planeAt } from './luma.ts';

/** What no clip should have. */
export interface Defects {
  /** Frames whose luma spreads less than two levels: nothing is to be seen. */
  readonly blankFrames: number;
  /** No frame differs from the first anywhere. */
  readonly frozen: boolean;
  /** Frames that repeat the one before, in a clip that is not frozen. */
  readonly duplicateFrames: number;
  /** Indexes of frames that begin another picture. */
  readonly cuts: readonly number[];
}

/** Standard deviation in levels; a plain ground with one faint object of a fortieth of the picture has more. */
const BLANK_SPREAD = 2;
/** Blocks of so many pixels are looked at one by one, so that a small thing that moves counts. */
const BLOCK = 16;
/** Mean change of the block that changed most, in levels: what noise of a decoder does in a still picture stays below. */
const FROZEN_LEVELS = 2;
const DUPLICATE_LEVELS = 0.5;
/** Mean change of the whole picture: larger than motion makes, and as many times the clip's median change. */
const CUT_LEVELS = 25;
const CUT_TIMES = 4;

/** Looks for blank, frozen and repeated frames and for hard cuts. A clip of one frame is neither frozen nor cut. */
export function defectsOf(luma: LumaClip): Defects {
  const { frames } = luma;
  const changes = { most: [] as number[], mean: [] as number[] };
  let blankFrames = 0;
  let farthest = 0;
  for (let t = 0; t < frames; t++) {
    const plane = planeAt(luma, t);
    if (spread(plane) < BLANK_SPREAD) blankFrames++;
    if (t === 0) continue;
    const { most, mean } = change(planeAt(luma, t - 1), plane, luma);
    changes.most.push(most);
    changes.mean.push(mean);
    farthest = Math.max(farthest, change(planeAt(luma, 0), plane, luma).most);
  }
  const frozen = frames > 1 && farthest < FROZEN_LEVELS;
  const usual = median(changes.mean);
  const isCut = (mean: number) => mean > CUT_LEVELS && mean > CUT_TIMES * usual;
  return {
    blankFrames,
    frozen,
    duplicateFrames: frozen ? 0 : changes.most.filter(most => most < DUPLICATE_LEVELS).length,
    cuts: changes.mean.flatMap((mean, i) => (isCut(mean) ? [i + 1] : [])),
  };
}

function spread(plane: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of plane) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / plane.length - (sum / plane.length) ** 2));
}

/** Mean absolute change of the picture, and of the block that changed most. */
function change(a: Float32Array, b: Float32Array, { height, width }: LumaClip): { most: number; mean: number } {
  const across = Math.ceil(width / BLOCK);
  const sums = new Float64Array(across * Math.ceil(height / BLOCK));
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor(y / BLOCK) * across;
    for (let x = 0; x < width; x++, i++) sums[row + ((x / BLOCK) | 0)]! += Math.abs(a[i]! - b[i]!);
  }
  let most = 0;
  let total = 0;
  for (const [block, sum] of sums.entries()) {
    const rows = Math.min(BLOCK, height - BLOCK * Math.floor(block / across));
    const columns = Math.min(BLOCK, width - BLOCK * (block % across));
    most = Math.max(most, sum / (rows * columns));
    total += sum;
  }
  return { most, mean: total / (height * width) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

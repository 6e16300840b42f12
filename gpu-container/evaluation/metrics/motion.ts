import { type BlockFlow, between, blockFlow, FLOW_BLOCK, readyForFlow } from './block-flow.ts';
import { type LumaClip, planeAt } from './luma.ts';

/** How a clip moves. */
export interface Motion {
  /** Mean absolute difference, in levels, between a frame and the one before moved along the flow, where it is visible in both. */
  readonly warpError: number;
  /** Share of the pixels that could be judged, 0 to 1. */
  readonly visible: number;
  /** Mean length of the longest twentieth of the flow's vectors, in percent of the shorter side a frame. */
  readonly dynamicDegree: number;
}

/** A pixel counts as visible in both frames when the way there and back ends so near where it began, in pixels. */
const ROUND_TRIP = 1.5;
/** VBench takes the largest 5 % of the flow: a small thing that moves before a still ground is motion. */
const LARGEST_SHARE = 0.05;

/**
 * Warp error after Lai et al. 2018 and dynamic degree after VBench (Huang et al. 2024), with block matching in place of a trained
 * flow network: its vectors are true to half a pixel, and reach 16 pixels a frame. All 0, and everything visible, for one frame.
 */
export function motionOf(luma: LumaClip): Motion {
  const { frames, height, width } = luma;
  const clip = readyForFlow(luma);
  let error = 0;
  let seen = 0;
  let degree = 0;
  for (let t = 1; t < frames; t++) {
    const back = blockFlow(clip, t - 1, t);
    const forth = blockFlow(clip, t, t - 1);
    const warped = warpedError(planeAt(luma, t - 1), planeAt(luma, t), { height, width, back, forth });
    error += warped.sum;
    seen += warped.count;
    degree += longest(back, forth);
  }
  const pairs = frames - 1;
  if (pairs < 1) return { warpError: 0, visible: 1, dynamicDegree: 0 };
  return {
    warpError: seen === 0 ? 0 : error / seen,
    visible: seen / (pairs * height * width),
    dynamicDegree: (100 * degree) / (pairs * Math.min(height, width)),
  };
}

interface Pair {
  readonly height: number;
  readonly width: number;
  readonly back: BlockFlow;
  readonly forth: BlockFlow;
}

function warpedError(before: Float32Array, now: Float32Array, { height, width, back, forth }: Pair) {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = Math.floor(y / FLOW_BLOCK) * back.columns + Math.floor(x / FLOW_BLOCK);
      const [dx, dy] = [back.dx[at]!, back.dy[at]!];
      const [fromX, fromY] = [x + dx, y + dy];
      if (fromX < 0 || fromY < 0 || fromX > width - 1 || fromY > height - 1) continue;
      const there = Math.floor(fromY / FLOW_BLOCK) * forth.columns + Math.floor(fromX / FLOW_BLOCK);
      if (!leadsBack(back, at, forth, there)) continue;
      sum += Math.abs(now[y * width + x]! - between(before, width, height, fromX, fromY));
      count++;
    }
  return { sum, count };
}

/** Mean length of the longest vectors; one that does not lead back is a mistake of the search, not motion, and has no length. */
function longest(back: BlockFlow, forth: BlockFlow): number {
  const lengths = back.dx.map((dx, block) => {
    const dy = back.dy[block]!;
    const row = Math.floor(block / back.columns);
    const there = blockAt(forth, (block % back.columns) * FLOW_BLOCK + dx, row * FLOW_BLOCK + dy);
    return leadsBack(back, block, forth, there) ? Math.hypot(dx, dy) : 0;
  });
  const few = lengths.sort().subarray(lengths.length - Math.max(1, Math.round(LARGEST_SHARE * lengths.length)));
  return few.reduce((sum, length) => sum + length, 0) / few.length;
}

/** The block in whose middle, or nearest to it, a block from this corner on lies. */
function blockAt({ rows, columns }: BlockFlow, x: number, y: number): number {
  const clamped = (value: number, most: number) => Math.min(Math.max(Math.round(value / FLOW_BLOCK), 0), most - 1);
  return clamped(y, rows) * columns + clamped(x, columns);
}

function leadsBack(back: BlockFlow, at: number, forth: BlockFlow, there: number): boolean {
  const [dx, dy] = [back.dx[at]! + forth.dx[there]!, back.dy[at]! + forth.dy[there]!];
  return Math.abs(dx) <= ROUND_TRIP && Math.abs(dy) <= ROUND_TRIP;
}

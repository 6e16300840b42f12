/** @file Where each block of a picture came from in another: block matching, coarse to fine, to half a pixel. */
import { halved, type LumaClip, planeAt } from './luma.ts';

/** Side of a block at full size, pixels. */
export const FLOW_BLOCK = 8;
/** How far a block may have come, pixels at full size: half a 256-pixel picture a second at 8 frames a second. */
const REACH = 16;
/** A pixel of way must win back so many levels of mean difference: else blocks of noise and plain ones wander. */
const WAY_COST = 0.05;

/**
 * A block stays where it is, or on whole pixels, unless another place is so much nearer: between the pixels noise is averaged, which
 * makes any place there look nearer than it is.
 */
const CLEARLY_NEARER = 0.85;
/** Of a block that came from beyond the edge at least so much must have been inside. */
const LEAST_INSIDE = 0.5;

/** Mean difference, in levels, of a block that is taken to have stayed: what rounding to bytes does, and no place can be much nearer. */
const STAYED_LEVELS = 0.5;

/** Vectors of a picture's blocks, row by row, in pixels: a block lies at (x + dx, y + dy) in the other picture. */
export interface BlockFlow {
  readonly rows: number;
  readonly columns: number;
  readonly dx: Float32Array;
  readonly dy: Float32Array;
}

interface Plane {
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/** A clip made ready to be matched: at full and at half size. */
export interface FlowClip {
  readonly full: LumaClip;
  readonly half: LumaClip;
}

/** Smooths and halves a clip once for all its flows. */
export function readyForFlow(luma: LumaClip): FlowClip {
  const full = smoothed(luma);
  return { full, half: halved(full) };
}

/** Under [1 2 1] / 4 along rows and columns, edges repeated: noise must not lead the search. */
function smoothed({ frames, height, width, values }: LumaClip): LumaClip {
  const across = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += width) {
    for (let x = 1; x < width - 1; x++)
      across[at + x] = 0.25 * values[at + x - 1]! + 0.5 * values[at + x]! + 0.25 * values[at + x + 1]!;
    const last = at + width - 1;
    across[at] = 0.75 * values[at]! + 0.25 * values[Math.min(at + 1, last)]!;
    across[last] = 0.75 * values[last]! + 0.25 * values[Math.max(last - 1, at)]!;
  }
  const out = new Float32Array(values.length);
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < height; y++) {
      const at = (t * height + y) * width;
      const above = y === 0 ? at : at - width;
      const below = y === height - 1 ? at : at + width;
      for (let x = 0; x < width; x++)
        out[at + x] = 0.25 * across[above + x]! + 0.5 * across[at + x]! + 0.25 * across[below + x]!;
    }
  return { frames, height, width, values: out };
}

/**
 * For the blocks of frame `to` where they lie in frame `from`. First by full search at half size, as far as REACH; then each block
 * and its neighbours' finds are tried at full size, and half pixels around the best.
 */
export function blockFlow(clip: FlowClip, from: number, to: number): BlockFlow {
  const planeOf = (luma: LumaClip, index: number): Plane => ({ ...luma, values: planeAt(luma, index) });
  const coarse = searched(planeOf(clip.half, from), planeOf(clip.half, to));
  return refined(planeOf(clip.full, from), planeOf(clip.full, to), coarse);
}

/** Blocks of half size cover FLOW_BLOCK · 2 pixels of full size. */
function searched(from: Plane, to: Plane): BlockFlow {
  const flow = emptyFlow(to);
  const reach = REACH / 2;
  eachBlock(flow, (block, x, y) => {
    let best = CLEARLY_NEARER * cost(from, to, x, y, 0, 0, Number.POSITIVE_INFINITY);
    if (best < STAYED_LEVELS * FLOW_BLOCK ** 2) return;
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const found = cost(from, to, x, y, dx, dy, best);
        if (found >= best) continue;
        best = found;
        flow.dx[block] = dx;
        flow.dy[block] = dy;
      }
  });
  return flow;
}

function refined(from: Plane, to: Plane, coarse: BlockFlow): BlockFlow {
  const flow = emptyFlow(to);
  eachBlock(flow, (block, x, y, column, row) => {
    let [bestX, bestY] = [0, 0];
    let best = CLEARLY_NEARER * cost(from, to, x, y, 0, 0, Number.POSITIVE_INFINITY);
    if (best < STAYED_LEVELS * FLOW_BLOCK ** 2) return;
    const around = (step: number) => {
      const [midX, midY] = [bestX, bestY];
      for (let dy = -step; dy <= step; dy += step)
        for (let dx = -step; dx <= step; dx += step) if (dx !== 0 || dy !== 0) consider(midX + dx, midY + dy);
    };
    const consider = (dx: number, dy: number) => {
      const found = cost(from, to, x, y, dx, dy, best);
      if (found < best) [best, bestX, bestY] = [found, dx, dy];
    };
    for (const at of neighbours(coarse, column >> 1, row >> 1)) consider(2 * coarse.dx[at]!, 2 * coarse.dy[at]!);
    around(1);
    if (bestX !== 0 || bestY !== 0) best *= CLEARLY_NEARER; // of a block that stayed it was lowered already
    around(0.5);
    flow.dx[block] = bestX;
    flow.dy[block] = bestY;
  });
  return flow;
}

/** The block at a place and those beside, above and below it. */
function neighbours({ columns, rows }: BlockFlow, column: number, row: number): number[] {
  const x = Math.min(column, columns - 1);
  const y = Math.min(row, rows - 1);
  const places = [
    [x, y],
    [x - 1, y],
    [x + 1, y],
    [x, y - 1],
    [x, y + 1],
  ] as const;
  return places.flatMap(([cx, cy]) => (cx < 0 || cy < 0 || cx >= columns || cy >= rows ? [] : [cy * columns + cx]));
}

function emptyFlow({ height, width }: Plane): BlockFlow {
  const rows = Math.ceil(height / FLOW_BLOCK);
  const columns = Math.ceil(width / FLOW_BLOCK);
  return { rows, columns, dx: new Float32Array(rows * columns), dy: new Float32Array(rows * columns) };
}

function eachBlock(
  { rows, columns }: BlockFlow,
  visit: (block: number, x: number, y: number, column: number, row: number) => void,
): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      visit(row * columns + column, column * FLOW_BLOCK, row * FLOW_BLOCK, column, row);
}

/**
 * Sum of absolute differences over what lies inside both pictures, as if it were the whole block, and the way's cost. Given up, as
 * infinite, past `limit` and where too little lies inside.
 */
function cost(from: Plane, to: Plane, x: number, y: number, dx: number, dy: number, limit: number): number {
  const { width, height } = to;
  const [left, top] = [Math.floor(dx), Math.floor(dy)];
  const [right, down] = [Math.ceil(dx), Math.ceil(dy)];
  const [startX, endX] = [Math.max(x, -left), Math.min(x + FLOW_BLOCK, width, width - right)];
  const [startY, endY] = [Math.max(y, -top), Math.min(y + FLOW_BLOCK, height, height - down)];
  const whole = (Math.min(x + FLOW_BLOCK, width) - x) * (Math.min(y + FLOW_BLOCK, height) - y);
  const inside = (endX - startX) * (endY - startY);
  if (endX <= startX || endY <= startY || inside < LEAST_INSIDE * whole) return Number.POSITIVE_INFINITY;
  const scale = whole / inside;
  const way = WAY_COST * (Math.abs(dx) + Math.abs(dy)) * whole;
  const most = (limit - way) / scale;
  const shift = top * width + left;
  const isBetween = right > left || down > top;
  const sum = isBetween
    ? differenceBetween(
        from.values,
        to.values,
        { startX, endX, startY, endY, width, shift },
        right - left,
        (down - top) * width,
        most,
      )
    : difference(from.values, to.values, { startX, endX, startY, endY, width, shift }, most);
  return sum >= most ? Number.POSITIVE_INFINITY : sum * scale + way;
}

/** The part of a block that is compared, and how far its places lie from theirs in the other plane. */
interface Part {
  readonly startX: number;
  readonly endX: number;
  readonly startY: number;
  readonly endY: number;
  readonly width: number;
  readonly shift: number;
}

function difference(from: Float32Array, to: Float32Array, part: Part, most: number): number {
  const { startX, endX, startY, endY, width, shift } = part;
  let sum = 0;
  for (let row = startY; row < endY && sum < most; row++)
    for (let at = row * width + startX; at < row * width + endX; at++) sum += Math.abs(to[at]! - from[at + shift]!);
  return sum;
}

/** The same half-way to the places `right` and `down` further on. */
function differenceBetween(
  from: Float32Array,
  to: Float32Array,
  part: Part,
  right: number,
  down: number,
  most: number,
): number {
  const { startX, endX, startY, endY, width, shift } = part;
  let sum = 0;
  for (let row = startY; row < endY && sum < most; row++)
    for (let at = row * width + startX; at < row * width + endX; at++) {
      const p = at + shift;
      sum += Math.abs(to[at]! - 0.25 * (from[p]! + from[p + right]! + from[p + down]! + from[p + right + down]!));
    }
  return sum;
}

/** The value at a place between pixels, bilinear in whole and half steps; the place lies inside. */
export function between(plane: Float32Array, width: number, height: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const right = Math.min(left + 1, width - 1);
  const down = Math.min(top + 1, height - 1);
  const [fx, fy] = [x - left, y - top];
  const upper = plane[top * width + left]! * (1 - fx) + plane[top * width + right]! * fx;
  const lower = plane[down * width + left]! * (1 - fx) + plane[down * width + right]! * fx;
  return upper * (1 - fy) + lower * fy;
}

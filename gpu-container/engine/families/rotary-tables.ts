/**
 * @file Rotary position tables in three dimensions (Su et al. 2021, arXiv 2104.09864) as diffusers computes them for CogVideoX:
 * a quarter of a head's width for time, three eighths each for height and width, float32.
 */

/** What the tables depend on beside the grid. */
export interface RotaryRule {
  readonly headWidth: number;
  /** The grid that the model was trained on, in patches. */
  readonly baseHeight: number;
  readonly baseWidth: number;
  /** 1.5: positions count from 0; before: the grid is laid over the middle of the base grid and stretched to it. */
  readonly sliced: boolean;
}

/** Patches in each direction. */
export interface PatchGrid {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** cos and sin, each [frames · height · width, headWidth]. */
export function rotaryTables(rule: RotaryRule, grid: PatchGrid): { cos: Float32Array; sin: Float32Array } {
  const { headWidth } = rule;
  const [timeWidth, sideWidth] = [Math.floor(headWidth / 4), Math.floor(headWidth / 8) * 3];
  const places = positions(rule, grid);
  const angles = [
    anglesOf(places.time, timeWidth),
    anglesOf(places.down, sideWidth),
    anglesOf(places.right, sideWidth),
  ] as const;
  const tokens = grid.frames * grid.height * grid.width;
  const [cos, sin] = [new Float32Array(tokens * headWidth), new Float32Array(tokens * headWidth)];
  let at = 0;
  for (let t = 0; t < grid.frames; t++)
    for (let y = 0; y < grid.height; y++)
      for (let x = 0; x < grid.width; x++)
        for (const [axis, place] of [t, y, x].entries())
          for (const angle of angles[axis]![place]!)
            for (let twice = 0; twice < 2; twice++, at++) {
              cos[at] = Math.cos(angle);
              sin[at] = Math.sin(angle);
            }
  return { cos, sin };
}

function positions({ baseHeight, baseWidth, sliced }: RotaryRule, { frames, height, width }: PatchGrid) {
  const time = linspace(0, (frames * (frames - 1)) / frames, frames);
  const count = (size: number) => Float32Array.from({ length: size }, (_, i) => i);
  if (sliced) return { time: count(frames), down: count(height), right: count(width) };
  const [[top, left], [bottom, right]] = cropRegion(height, width, baseHeight, baseWidth);
  return {
    time,
    down: linspace(top, (bottom * (height - 1)) / height, height),
    right: linspace(left, (right * (width - 1)) / width, width),
  };
}

type Corner = readonly [down: number, right: number];

/** Where the grid lies in the base grid when it is scaled to fit inside; diffusers' get_resize_crop_region_for_grid. */
function cropRegion(height: number, width: number, baseHeight: number, baseWidth: number): readonly [Corner, Corner] {
  const tall = height / width > baseHeight / baseWidth;
  const toHeight = tall ? baseHeight : roundHalfEven((baseWidth / width) * height);
  const toWidth = tall ? roundHalfEven((baseHeight / height) * width) : baseWidth;
  const top = roundHalfEven((baseHeight - toHeight) / 2);
  const left = roundHalfEven((baseWidth - toWidth) / 2);
  return [
    [top, left],
    [top + toHeight, left + toWidth],
  ];
}

/** Python's round. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** torch.linspace in float32: counted from both ends, meeting in the middle. */
function linspace(start: number, end: number, count: number): Float32Array {
  const [from, to] = [Math.fround(start), Math.fround(end)];
  const step = count === 1 ? 0 : Math.fround(Math.fround(to - from) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) || count === 1 ? from + Math.fround(step * i) : to - Math.fround(step * (count - 1 - i)),
  );
}

/** position · theta^(-2k / width), k below width / 2, for each position; theta is 10,000. */
function anglesOf(places: Float32Array, width: number): Float32Array[] {
  const rates = Float32Array.from({ length: width / 2 }, (_, k) =>
    Math.fround(1 / Math.fround(10_000 ** Math.fround((2 * k) / width))),
  );
  return Array.from(places, place => rates.map(rate => place * rate));
}

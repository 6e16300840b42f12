import type { LumaClip } from './luma.ts';

/** Changes from frame to frame, in levels of 0 to 255. */
export interface Flicker {
  /** Mean |Y(t+1) - Y(t)|: motion and flicker together. 0 for a single frame. */
  readonly flicker: number;
  /** Mean |Y(t+1) - 2 Y(t) + Y(t-1)|: what comes and goes at once; steady motion and slow fades add little. 0 below three frames. */
  readonly flickerSecond: number;
}

/** Both means over all pixels and all neighbouring frames. */
export function flickerOf({ frames, height, width, values }: LumaClip): Flicker {
  const cells = height * width;
  let first = 0;
  let second = 0;
  for (let i = cells; i < values.length; i++) {
    const step = values[i]! - values[i - cells]!;
    first += Math.abs(step);
    if (i + cells < values.length) second += Math.abs(values[i + cells]! - values[i]! - step);
  }
  return {
    flicker: frames < 2 ? 0 : first / (cells * (frames - 1)),
    flickerSecond: frames < 3 ? 0 : second / (cells * (frames - 2)),
  };
}

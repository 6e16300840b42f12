import type { Clip } from '#gpu-container/media/clip.ts';

export type Rgb = readonly [number, number, number];

/** Flat patches of 64x64 in a grid, the same in each frame. */
export function patches(colors: readonly Rgb[], frames = 4, fps = 8): Clip {
  const columns = Math.ceil(Math.sqrt(colors.length));
  const [width, height] = [columns * 64, Math.ceil(colors.length / columns) * 64];
  return paint(frames, width, height, fps, (x, y) => colors[(y >> 6) * columns + (x >> 6)] ?? [0, 0, 0]);
}

/** A disc that crosses a soft gradient. */
export function movingDisc(frames: number, fps: number, width = 128, height = 96): Clip {
  return paint(frames, width, height, fps, (x, y, t) =>
    (x - 20 - 4 * t) ** 2 + (y - 48) ** 2 < 400 ? [220, 40, 30] : [30, 60, 90 + (x >> 1)],
  );
}

export function paint(
  frames: number,
  width: number,
  height: number,
  fps: number,
  color: (x: number, y: number, t: number) => Rgb,
): Clip {
  const rgb = new Uint8Array(frames * width * height * 3);
  let at = 0;
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        rgb.set(color(x, y, t), at);
        at += 3;
      }
  return { rgb, frames, width, height, fps };
}

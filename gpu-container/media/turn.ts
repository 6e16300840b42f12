import type { Size } from './resize.ts';

/** Pixels with their size. */
export interface Picture extends Size {
  /** [H, W, 3]. */
  readonly rgb: Uint8Array;
}

/** How a camera was held: clockwise degrees by which its pictures are to be turned, and then mirrored left to right or not. */
export interface Turn {
  readonly degrees: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
}

/** The picture upright; the same one where nothing is to be done. */
export function turnUpright(picture: Picture, { degrees, mirrored }: Turn): Picture {
  if (degrees === 0 && !mirrored) return picture;
  const { rgb, width, height } = picture;
  const aside = degrees === 90 || degrees === 270;
  const to = { width: aside ? height : width, height: aside ? width : height };
  const out = new Uint8Array(rgb.length);
  for (let y = 0, put = 0; y < to.height; y++)
    for (let column = 0; column < to.width; column++, put += 3) {
      const x = mirrored ? to.width - 1 - column : column;
      const fromX = degrees === 0 ? x : degrees === 90 ? y : degrees === 180 ? width - 1 - x : width - 1 - y;
      const fromY = degrees === 0 ? y : degrees === 90 ? height - 1 - x : degrees === 180 ? height - 1 - y : x;
      const at = (fromY * width + fromX) * 3;
      out[put] = rgb[at]!;
      out[put + 1] = rgb[at + 1]!;
      out[put + 2] = rgb[at + 2]!;
    }
  return { ...to, rgb: out };
}

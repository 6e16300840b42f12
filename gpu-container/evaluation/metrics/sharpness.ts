import { type LumaClip, planeAt } from './luma.ts';

/**
 * Variance of the Laplacian of luma (Pech-Pacheco et al. 2000), mean over the frames: the four neighbours less four times the
 * middle, at all places that have four neighbours. In squared levels; a blurred clip has little, noise has much. 0 where no place
 * has four neighbours.
 */
export function sharpness(luma: LumaClip): number {
  const { frames, height, width } = luma;
  const places = (height - 2) * (width - 2);
  if (height < 3 || width < 3) return 0;
  let total = 0;
  for (let t = 0; t < frames; t++) {
    const plane = planeAt(luma, t);
    let sum = 0;
    let squares = 0;
    for (let y = 1; y < height - 1; y++)
      for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
        const edge = plane[at - width]! + plane[at + width]! + plane[at - 1]! + plane[at + 1]! - 4 * plane[at]!;
        sum += edge;
        squares += edge * edge;
      }
    total += squares / places - (sum / places) ** 2;
  }
  return total / frames;
}

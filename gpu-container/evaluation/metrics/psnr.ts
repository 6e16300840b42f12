import { type Clip, checkedClip, expectSameShape } from '../clip.ts';

/** Clips that differ less are told as this far apart: equal ones would be infinitely near, which no table and no JSON holds. */
export const MAX_PSNR = 100;

/**
 * Peak signal-to-noise ratio of two clips in dB: 10 log10(255² / MSE), the mean taken over all bytes of R, G and B of all frames;
 * MAX_PSNR at most. RangeError where the shapes differ.
 */
export function psnr(a: Clip, b: Clip): number {
  expectSameShape(checkedClip(a), checkedClip(b));
  let squares = 0; // at most 255² · 2^31, exact in a double
  for (let i = 0; i < a.rgb.length; i++) squares += (a.rgb[i]! - b.rgb[i]!) ** 2;
  if (squares === 0) return MAX_PSNR;
  return Math.min(MAX_PSNR, 10 * Math.log10((255 ** 2 * a.rgb.length) / squares));
}

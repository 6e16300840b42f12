import type { Clip } from '../clip.ts';
import { frechetDistance } from './frechet.ts';
import { FEATURES, randomFeatures } from './random-features.ts';

/** Fewer clips a side than this say nothing of their spread: then no figure is told. Twice as many as there are features. */
export const RFVD_LEAST_CLIPS = 2 * FEATURES;

/**
 * rFVD: Fréchet distance of two sets of clips after a fixed random projection (random-features.ts). 0 for a set and itself; smaller
 * is nearer. It is no FVD: nothing was trained on videos, so its figures compare only with its own, of sets as large and clips as
 * long. null below RFVD_LEAST_CLIPS clips a side; RangeError where clips have different numbers of frames.
 */
export function rfvd(a: readonly Clip[], b: readonly Clip[]): number | null {
  if (new Set([...a, ...b].map(clip => clip.frames)).size > 1)
    throw new RangeError('rfvd: clips of different lengths do not compare.');
  return rfvdOfFeatures(a.map(randomFeatures), b.map(randomFeatures));
}

/** The same of features that were taken when the clips were at hand. */
export function rfvdOfFeatures(a: readonly Float64Array[], b: readonly Float64Array[]): number | null {
  return Math.min(a.length, b.length) < RFVD_LEAST_CLIPS ? null : frechetDistance(a, b);
}

import type { Clip } from '../clip.ts';
import { type Defects, defectsOf } from './defects.ts';
import { type Flicker, flickerOf } from './flicker.ts';
import { lumaOf } from './luma.ts';
import { type Motion, motionOf } from './motion.ts';
import { sharpness } from './sharpness.ts';

/** What can be said of a clip without another beside it; docs/evaluation.md says what each is. */
export interface ClipFigures extends Flicker, Motion {
  readonly sharpness: number;
}

/** Figures and defects of one clip. */
export interface ClipJudgement {
  readonly figures: ClipFigures;
  readonly defects: Defects;
}

/** The names of the figures, in the order of tables. */
export const FIGURES = ['flicker', 'flickerSecond', 'warpError', 'visible', 'dynamicDegree', 'sharpness'] as const;

/** Judges one clip by itself. */
export function judgeClip(clip: Clip): ClipJudgement {
  const luma = lumaOf(clip);
  return {
    figures: { ...flickerOf(luma), ...motionOf(luma), sharpness: sharpness(luma) },
    defects: defectsOf(luma),
  };
}

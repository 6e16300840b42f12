/** @file The fixed prompts that every figure of the bundled model is from. exporter/train/scenes/write_world.py wrote them. */
import rows from './fixed-prompts.json' with { type: 'json' };
import { type Reading, readingOf } from './readings.ts';
import type { Place, Scene } from './scene.ts';

/** A prompt, the scene that it asks for, and how hard it is. */
export interface FixedPrompt {
  readonly prompt: string;
  readonly seed: number;
  /** Everything about a perfect clip, drawn by drawClip: the reference, and the first frame of image-to-video. */
  readonly scene: Scene;
  /** What the oracle reads in a perfect clip. */
  readonly want: Reading;
  /** Whether training saw no clip with this color, shape and motion on one object. A quarter. */
  readonly unseen: boolean;
  /** Whether no caption of training is phrased like this. Half. */
  readonly paraphrase: boolean;
  /** One object, or how two of them lie. */
  readonly placing: Place;
}

/** How many of the fixed prompts are a small sample with the same shares of places, phrasings and unseen combinations. */
export const QUICK_PROMPTS = 32;

let made: readonly FixedPrompt[] | undefined;

/** All 256 of them, the sample of QUICK_PROMPTS first. */
export function fixedPrompts(): readonly FixedPrompt[] {
  made ??= (rows as unknown as readonly Omit<FixedPrompt, 'want' | 'placing'>[]).map(row => ({
    ...row,
    want: readingOf(row.scene),
    placing: row.scene.place,
  }));
  return made;
}

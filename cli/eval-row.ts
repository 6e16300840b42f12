/** @file One prompt's line of `reelay eval`: figures, defects, what the oracle read, and what the drawn clip beside it says. */
import { ReelayError } from '#core/errors.ts';
import { type Clip, frameAt } from '#gpu-container/evaluation/clip.ts';
import { flickerOf } from '#gpu-container/evaluation/metrics/flicker.ts';
import { judgeClip } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { lumaOf } from '#gpu-container/evaluation/metrics/luma.ts';
import { psnr } from '#gpu-container/evaluation/metrics/psnr.ts';
import type { EvalRow, EvalSettings } from '#gpu-container/evaluation/report.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { readClip } from '#gpu-container/evaluation/world/read-clip.ts';
import { compareReading } from '#gpu-container/evaluation/world/readings.ts';
import { FRAMES, type Scene } from '#gpu-container/evaluation/world/scene.ts';
import type { EvalPrompt } from './eval-prompts.ts';
import type { MadeClip } from './eval-source.ts';

/** The first `frames` of a perfect clip, `side` × `side`, as a model's own clip is cut; undefined where it has fewer: clips of other lengths do not compare. */
export function drawnAsLong(scene: Scene, frames: number, side = ORACLE_SIDE): Clip | undefined {
  return frames > FRAMES ? undefined : drawClip(scene, side, [...Array(frames).keys()]);
}

/** The sides that the oracle reads are multiples of it. */
const ORACLE_SIDE = 128;

/** What a row is made of. */
export interface RowParts {
  readonly prompt: EvalPrompt;
  readonly index: number;
  readonly task: EvalSettings['task'];
  /** The clip, or why there is none. */
  readonly made: MadeClip | ReelayError;
  /** The drawn clip through the model's own encoder and decoder; undefined where nobody asks for that. */
  readonly recode: (drawn: Clip) => Promise<Clip | undefined>;
}

/** One prompt and its clip, judged. */
export async function rowOf({ prompt, index, task, made, recode }: RowParts): Promise<EvalRow> {
  const { prompt: text, seed, groups, want } = prompt;
  const row = { index, prompt: text, seed, groups, want };
  if (made instanceof ReelayError) {
    const nothing = { framesSha256: null, figures: null, defects: null, got: null, marks: null };
    return { ...row, ...nothing, firstFramePsnr: null, ...NOT_DRAWN, error: made.message };
  }
  const { clip, framesSha256 } = made;
  const { figures, defects } = judgeClip(clip);
  const readable = clip.height === clip.width && clip.height % ORACLE_SIDE === 0 && clip.frames > 1;
  const got = want !== null && readable ? readClip(clip) : null;
  const marks = want === null || got === null ? null : compareReading(want, got);
  const firstFramePsnr =
    task === 'i2v' && prompt.image === null && prompt.scene !== null ? nearness(clip, prompt.scene) : null;
  const drawn = readable && prompt.scene !== null ? drawnAsLong(prompt.scene, clip.frames, clip.height) : undefined;
  const beside = drawn === undefined ? NOT_DRAWN : await flickerBeside(drawn, recode);
  return { ...row, error: null, framesSha256, figures, defects, got, marks, firstFramePsnr, ...beside };
}

const NOT_DRAWN = { drawnFlicker: null, recodedFlicker: null };

/** What a perfect clip of that size and length flickers, by its motion, and what the model's own encoder and decoder add. */
async function flickerBeside(drawn: Clip, recode: RowParts['recode']) {
  const recoded = await recode(drawn);
  return {
    drawnFlicker: flickerOf(lumaOf(drawn)),
    recodedFlicker: recoded === undefined ? null : flickerOf(lumaOf(recoded)),
  };
}

/** How near the first frame is to the picture that it was to begin with; null for clips that are not square, as no drawn picture is theirs. */
function nearness(clip: Clip, scene: Scene): number | null {
  if (clip.height !== clip.width) return null;
  return psnr({ ...clip, frames: 1, rgb: frameAt(clip, 0) }, drawClip(scene, clip.width, [0]));
}

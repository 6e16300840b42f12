/** @file Clips of the bundled model, as I420 frames: prompts of all its words, other seeds. */
import { join } from 'node:path';
import { parseSubmission } from '#core/video-request.ts';
import { rgbToI420 } from '#gpu-container/media/color.ts';
import { resizeRgb } from '#gpu-container/media/resize.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { openModel } from '#gpu-container/render/model.ts';
import { rgbOf } from '#gpu-container/render/video-decoder.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { ownPlace } from '#test/core/places.ts';

const COLORS = ['red', 'green', 'blue', 'yellow', 'purple', 'white'];
const SHAPES = ['circle', 'square', 'triangle', 'star', 'heart', 'ring'];
const MOVES = ['bouncing', 'spinning', 'moving right', 'growing', 'orbiting', 'falling'];
const GROUNDS = ['dark blue', 'dark green', 'black', 'gray', 'dark red', 'white'];

/** Opens the model once; clips have its own size and length before `draw` resizes them. */
export async function openModelClips() {
  const backend = createOrtBackend({ threads: 1 });
  const model = await openModel(await loadBundle(join(import.meta.dirname, '../../../models/reelay-mini')), backend);
  return {
    release: () => model.release(),
    /** Clip `seed` at `side` x `side`. */
    async draw(seed: number, side: number): Promise<Uint8Array[]> {
      const pick = (words: readonly string[], by: number) => words[Math.floor(seed / by + seed) % words.length]!;
      const prompt = `a ${pick(COLORS, 1)} ${pick(SHAPES, 6)} ${pick(MOVES, 7)} over a ${pick(GROUNDS, 5)} background`;
      const fields = { prompt, seed, num_inference_steps: 8 };
      const context = { seed, nowMs: null, checkUrl: () => undefined, residency: ownPlace };
      const { request } = parseSubmission(fields, [model.bundle.card], context);
      const { chunks, clip } = await generateFrames(model, request);
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(rgbOf(chunk, clip));
      const rgb = Buffer.concat(parts);
      const bytes = clip.width * clip.height * 3;
      return Array.from({ length: clip.frames }, (_, i) => {
        const frame = Uint8Array.from(rgb.subarray(i * bytes, (i + 1) * bytes));
        return rgbToI420(resizeRgb(frame, clip, { width: side, height: side }), side, side);
      });
    },
  };
}

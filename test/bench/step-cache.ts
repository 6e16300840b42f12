/**
 * What step caching costs and saves on the bundled model: runs skipped and the likeness to the clip without it, over some prompts, for
 * a few thresholds.
 *
 *     npm run bench:cache [-- prompts]
 */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseSubmission } from '#core/video-request.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { openModel } from '#gpu-container/render/model.ts';
import { rgbOf } from '#gpu-container/render/video-decoder.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { ownPlace } from '#test/core/places.ts';

const PROMPTS = [
  'a red circle bouncing over a dark blue background',
  'a yellow star spinning over a dark green background',
  'a white square moving right over a black background',
  'a blue triangle growing over a gray background',
  'a green heart orbiting over a dark red background',
  'a purple ring falling over a navy background',
].slice(0, Number(process.argv[2] ?? 6));

let runs = 0;
const backend = createOrtBackend({
  threads: Math.max(1, Math.min(4, availableParallelism())),
  onRun: name => {
    if (name.includes('transformer')) runs++;
  },
});
const model = await openModel(await loadBundle(join(import.meta.dirname, '../../models/reelay-mini')), backend);

async function clip(prompt: string, steps: number, stepCache: number): Promise<{ rgb: Buffer; runs: number }> {
  const fields = { prompt, seed: 1, num_inference_steps: steps, step_cache: stepCache };
  const { request } = parseSubmission(fields, [model.bundle.card], {
    seed: 1,
    nowMs: null,
    checkUrl: () => undefined,
    residency: ownPlace,
  });
  runs = 0;
  const generation = await generateFrames(model, request);
  const done = runs;
  const parts: Uint8Array[] = [];
  for await (const chunk of generation.chunks) parts.push(rgbOf(chunk, generation.clip));
  return { rgb: Buffer.concat(parts), runs: done };
}

function psnr(a: Buffer, b: Buffer): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.length));
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
console.log('steps  threshold  runs skipped  PSNR median  PSNR least');
for (const steps of [12, 30])
  for (const threshold of [0.02, 0.05, 0.1, 0.2]) {
    const rows: { skipped: number; db: number }[] = [];
    for (const prompt of PROMPTS) {
      const [whole, cached] = [await clip(prompt, steps, 0), await clip(prompt, steps, threshold)];
      rows.push({ skipped: 1 - cached.runs / whole.runs, db: psnr(whole.rgb, cached.rgb) });
    }
    const skipped = `${(100 * median(rows.map(row => row.skipped))).toFixed(0)} %`;
    const [middle, least] = [median(rows.map(row => row.db)), Math.min(...rows.map(row => row.db))];
    console.log(
      `${String(steps).padStart(5)} ${String(threshold).padStart(10)} ${skipped.padStart(13)} ${middle.toFixed(1).padStart(12)} ${least.toFixed(1).padStart(11)}`,
    );
  }
await model.release();

/** `npm run parity`: every tiny bundle, every golden case, against diffusers; one line a case. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { compareCase, goldenCases } from './golden-case.ts';

const BUNDLES = join(import.meta.dirname, '../fixtures/bundles');

console.log(`${'bundle'.padEnd(16)} ${'case'.padEnd(14)} steps  embeddings  latents (worst step)  frames (of 1)`);
for (const name of readdirSync(BUNDLES).sort()) {
  const folder = join(BUNDLES, name);
  const model = await openModel(await loadBundle(folder), createOrtBackend({ threads: 1 }));
  for (const one of await goldenCases(folder)) {
    const { embeds, latents, frames } = await compareCase(model, folder, one);
    const figures = [
      embeds.toExponential(1).padStart(10),
      Math.max(...latents)
        .toExponential(1)
        .padStart(20),
    ];
    console.log(
      name.padEnd(16),
      one.name.padEnd(14),
      String(latents.length).padStart(5),
      ...figures,
      frames.toExponential(1).padStart(14),
    );
  }
  await model.release();
}

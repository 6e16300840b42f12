/**
 * Bundles against what diffusers made of the same noise: one line a golden case, and exit code 1 where one is too far off.
 *
 *     npm run parity [-- <bundle folder> …]        without folders: every tiny bundle of test/fixtures
 */
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { compareCase, goldenCases, TOLERANCES } from './golden-case.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/bundles');
const named = process.argv.slice(2).map(folder => resolve(folder));
const folders =
  named.length > 0
    ? named
    : readdirSync(FIXTURES)
        .sort()
        .map(name => join(FIXTURES, name));

console.log(`${'bundle'.padEnd(17)} ${'case'.padEnd(14)} steps  embeddings  latents (worst step)  frames (of 1)`);
for (const folder of folders) {
  const model = await openModel(await loadBundle(folder), createOrtBackend({ threads: 1 }));
  for (const one of await goldenCases(folder)) {
    const { embeds, latents, frames } = await compareCase(model, folder, one);
    const worst = Math.max(...latents);
    const right = embeds < TOLERANCES.embeds && worst < TOLERANCES.latents && frames < TOLERANCES.frames;
    if (!right) process.exitCode = 1;
    const figures = [
      embeds.toExponential(1).padStart(10),
      worst.toExponential(1).padStart(20),
      frames.toExponential(1).padStart(14),
    ];
    const steps = String(latents.length).padStart(5);
    console.log(basename(folder).padEnd(17), one.name.padEnd(14), steps, ...figures, right ? '' : '  TOO FAR OFF');
  }
  await model.release();
}

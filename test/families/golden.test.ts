/**
 * Every family against diffusers: `golden/` of each tiny bundle was made by exporter/reelay_export with the real pipelines, that of
 * reelay-mini, which is none of theirs, by exporter/train/scenes/golden.py with what judges it after its training.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { compareCase, goldenCases, TOLERANCES } from './golden-case.ts';

const BUNDLES = join(import.meta.dirname, '../fixtures/bundles');

for (const name of readdirSync(BUNDLES).sort()) {
  const folder = join(BUNDLES, name);
  const cases = await goldenCases(folder);
  describe(name, () => {
    let model: Model;
    beforeAll(async () => {
      model = await openModel(await loadBundle(folder), createOrtBackend({ threads: 1 }));
    });
    afterAll(() => model?.release());

    test.each(cases.map(one => [one.name, one] as const))(
      '%s: the latents of every step and the frames are those of its pipeline in Python',
      async (_, one) => {
        const differences = await compareCase(model, folder, one);
        expect(differences.noise).toBeLessThan(TOLERANCES.noise);
        expect(differences.embeds).toBeLessThan(TOLERANCES.embeds);
        expect(differences.timesteps).toBeLessThan(TOLERANCES.timesteps);
        expect(Math.max(...differences.latents)).toBeLessThan(TOLERANCES.latents);
        expect(differences.frames).toBeLessThan(TOLERANCES.frames);
      },
    );
  });
}

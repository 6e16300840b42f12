/** A run of every family, given up after any step and resumed from its checkpoint's bytes, ends in the same frames, bit by bit. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '#gpu-container/engine/checkpoint.ts';
import { type GenerateOptions, generateFrames } from '#gpu-container/render/generate-frames.ts';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { hashRequest } from '#gpu-container/render/read-resume.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { wholeClip } from '../render/whole-clip.ts';
import { goldenCases, requestOfCase, widened } from './golden-case.ts';
import { readSafetensors } from './safetensors.ts';

const BUNDLES = join(import.meta.dirname, '../fixtures/bundles');

for (const name of readdirSync(BUNDLES).sort()) {
  const folder = join(BUNDLES, name);
  const cases = (await goldenCases(folder)).filter(one => one.name.endsWith('guided'));
  describe(name, () => {
    let model: Model;
    beforeAll(async () => {
      model = await openModel(await loadBundle(folder), createOrtBackend({ threads: 1 }));
    });
    afterAll(() => model?.release());

    test.each(cases.map(one => [one.task, one] as const))(
      '%s resumes from every step to the same bits',
      async (_, one) => {
        const request = requestOfCase(model, one);
        const golden = await readSafetensors(join(folder, one.file));
        const reference = (golden.image?.data ?? golden.video?.data) as Uint8Array | undefined;
        const identity = { bundleDigest: model.bundle.digest, requestHash: hashRequest(request) };
        const run = async (options: GenerateOptions) =>
          wholeClip(await generateFrames(widened(model, request), request, { reference, ...options }));
        const saved: Uint8Array[] = [];
        const undisturbed = await run({
          checkpoint: async state => void (state && saved.push(encodeCheckpoint({ ...identity, ...state }))),
        });
        expect(saved.length).toBeGreaterThan(2);
        for (const bytes of saved) {
          const again: Uint8Array[] = [];
          const state = decodeCheckpoint(bytes);
          const resumed = await run({
            resume: state,
            checkpoint: async at => void (at && again.push(encodeCheckpoint({ ...identity, ...at }))),
          });
          expect(resumed.equals(undisturbed), `after step ${state.step}`).toBe(true);
          expect(again).toEqual(saved.slice(saved.length - again.length));
        }
      },
    );
  });
}

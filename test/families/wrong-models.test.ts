/** What a model that misbehaves comes to: a sentence that is not retried, never a wrong or black video. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { floats } from '#gpu-container/engine/tensor.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { openFamily } from '#gpu-container/render/open-family.ts';
import { createVideoPipeline } from '#gpu-container/render/video-pipeline.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { manifestProblems } from '#gpu-container/runtime/manifest-rules.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { markingKeys, testMarking } from '#test/worker/marks-for.ts';
import { goldenCases, requestOfCase, widened } from './golden-case.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/bundles/wan-2.2-ti2v');

let scratch: string;
let model: Model;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'reelay-wrong-'));
  model = await openModel(await loadBundle(FOLDER), createOrtBackend({ threads: 1 }));
});
afterAll(async () => {
  await model.release();
  await rm(scratch, { recursive: true });
});

async function render(change: Partial<Model>, task: 't2v' | 'i2v' = 't2v') {
  const one = (await goldenCases(FOLDER)).find(golden => golden.task === task)!;
  const request = requestOfCase(model, { ...one, task: 't2v' });
  const marking = { order: testMarking, sign: markingKeys.signer.sign };
  const pipeline = createVideoPipeline({ ...widened(model, request), ...change }, openLibrary());
  return pipeline(request, join(scratch, 'out'), { marking });
}

async function* decoded(value: number): ReturnType<Model['decode']> {
  const { num_frames, size } = requestOfCase(model, (await goldenCases(FOLDER))[0]!);
  const [width, height] = size.split('x').map(Number);
  yield { frames: num_frames, sample: new Float32Array(3 * num_frames * width! * height!).fill(value) };
}

describe('a model whose', () => {
  test.each([Number.NaN, Infinity, -Infinity])('decoder gives %d fails the job with that reason', async value => {
    await expect(render({ decode: () => decoded(value) })).rejects.toMatchObject({
      code: 'render_failed',
      retryable: false,
      message: 'The model gave no picture: the decoder gave a value that is no number.',
    });
  });

  test('denoiser gives NaN fails after the step, before anything is decoded', async () => {
    let runs = 0;
    const denoise: Model['denoise'] = async (component, feeds) => {
      const output = await model.denoise(component, feeds);
      return runs++ === 2 ? output.with(5, Number.NaN) : output;
    };
    await expect(render({ denoise })).rejects.toMatchObject({
      code: 'render_failed',
      retryable: false,
      message: expect.stringMatching(/^The model gave no picture: after step 2 of \d the latent holds a value/),
    });
  });

  test('denoiser gives another shape is named', async () => {
    await expect(render({ denoise: async () => new Float32Array(7) })).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: expect.stringMatching(
        /^bundles\/wan-2.2-ti2v: transformer: it gave 7 values; the scheduler's sample has/,
      ),
    });
  });

  test('encoder gives another shape is named', async () => {
    const one = (await goldenCases(FOLDER)).find(({ task }) => task === 'i2v')!;
    const request = requestOfCase(model, one);
    const [width, height] = request.size.split('x').map(Number) as [number, number];
    const channels = (model.bundle.configs.vae_decoder as { z_dim: number }).z_dim;
    const encodeVideo = async () => floats(new Float32Array(2 * channels), [1, 2 * channels, 1, 1, 1]);
    const reference = new Uint8Array(3 * width * height);
    await expect(generateFrames({ ...widened(model, request), encodeVideo }, request, { reference })).rejects.toThrow(
      `vae_encoder: it gave [1, ${channels}, 1, 1, 1];`,
    );
  });
});

test('a bundle that offers step counts its scheduler cannot make is refused when it is loaded', async () => {
  const bundle = await loadBundle(join(FOLDER, '../ltx'));
  const limits = { ...bundle.manifest.limits, steps: { min: 1, max: 50, step: 1 } };
  expect(() => openFamily({ ...bundle, manifest: { ...bundle.manifest, limits } })).toThrow(
    /^bundles\/ltx: with 1 steps: /,
  );
});

test('a shift that the schedule does not have is refused when the bundle is loaded', async () => {
  const bundle = await loadBundle(join(FOLDER, '../animatediff'));
  const defaults = { ...bundle.manifest.defaults, flow_shift: 3 };
  expect(() => openFamily({ ...bundle, manifest: { ...bundle.manifest, defaults } })).toThrow(
    'defaults.flow_shift: got 3; this scheduler has no shift to change',
  );
});

describe('a bundle that offers lengths which its graphs cannot make is refused when it is loaded', () => {
  test.each([
    ['cogvideox-2b', 'transformer', 'hidden_states', 1, 12, 13], // 45 frames are no 8k + 1: 49 are drawn
    ['wan-2.1-t2v', 'transformer', 'hidden_states', 2, 12, 13],
    ['animatediff', 'unet', 'sample', 2, 45, 49],
    ['ltx', 'transformer', 'hidden_states', 1, 6, 7],
  ])('%s', async (name, component, input, axis, built, fed) => {
    const bundle = await loadBundle(join(FOLDER, '..', name));
    const frames = { min: 49, max: 49, step: 1 };
    const limits = { ...bundle.manifest.limits, frames };
    const fixedAt = (dim: number) => {
      const dims = (bundle.inputs[component]![input]! as (string | number)[]).with(axis, dim);
      const inputs = { ...bundle.inputs, [component]: { ...bundle.inputs[component], [input]: dims } };
      return { ...bundle, inputs, manifest: { ...bundle.manifest, limits } };
    };
    expect(() => openFamily(fixedAt(built))).toThrow(
      `bundle.json: limits.frames: 49 to 49; ${component} has ${built} built in, and ${fed} would be fed.`,
    );
    expect(openFamily(fixedAt(fed)).name).toBe(bundle.manifest.family);
  });
});

describe('a bundle of reelay-mini', () => {
  const load = () => loadBundle(join(FOLDER, '../reelay-mini'));

  test('makes of pictures and videos what its graphs can, and says what is missing when it is loaded', async () => {
    const bundle = await load();
    expect(openFamily(bundle).tasks).toEqual(['t2v', 'i2v', 'v2v']);
    const oneTimestep = { ...bundle.inputs.transformer, timestep: ['batch'] };
    const still = { ...bundle, inputs: { ...bundle.inputs, transformer: oneTimestep } };
    expect(() => openFamily(still)).toThrow(
      "bundle.json: tasks: i2v; its components make t2v, v2v. Image-to-video holds latent frame 0 at timestep 0: the transformer's timestep has to be [B, 5], one a latent frame.",
    );
    const tasks = { ...still, manifest: { ...bundle.manifest, tasks: ['t2v', 'v2v'] as const } };
    expect(openFamily(tasks as unknown as typeof bundle).denoiserInputs.timestep).toEqual([null]);
  });

  test('whose encoder takes another length than the longest on offer is refused when it is loaded', async () => {
    const bundle = await load();
    const limits = { ...bundle.manifest.limits, frames: { min: 24, max: 24, step: 1 } };
    expect(() => openFamily({ ...bundle, manifest: { ...bundle.manifest, limits } })).toThrow(
      'bundle.json: limits.frames: 24 to 24; vae_encoder has 25 built in, and 24 would be fed.',
    );
  });

  test('without an encoder is asked for text alone', async () => {
    const { manifest } = await load();
    const { vae_encoder: _, ...components } = manifest.components;
    expect(manifestProblems({ ...manifest, components })).toEqual([
      'components.vae_encoder: is missing; the task i2v needs one.',
      'components.vae_encoder: is missing; the task v2v needs one.',
    ]);
  });

  test('whose timestep is of another number of latent frames is refused when it is loaded', async () => {
    const bundle = await load();
    const latents = { ...bundle.manifest.latents!, frames: 4 };
    const other = { ...bundle, manifest: { ...bundle.manifest, latents } };
    await expect(openModel(other, createOrtBackend({ threads: 1 }))).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: expect.stringContaining('cannot be fed; known here: hidden_states (float32 [any, 6, 4, 2, 2])'),
    });
  });
});

test('a shift moves the schedule', async () => {
  const one = (await goldenCases(FOLDER))[0]!;
  const request = requestOfCase(model, one);
  const wanted = { task: one.task, frames: 5, height: 32, width: 32, fps: 8, steps: 4, guidance: 1 };
  const [usual, more] = [model.scheduler(wanted), model.scheduler(wanted, 12)];
  expect(more.timesteps[2]).toBeGreaterThan(usual.timesteps[2]!);
  expect(model.scheduler(wanted, request.flow_shift).timesteps).toEqual(usual.timesteps);
});

test('padding is hidden from an encoder only where diffusers hides it', async () => {
  const masks: Record<string, bigint[]> = {};
  for (const name of ['ltx', 'wan-2.1-t2v']) {
    const bundle = await loadBundle(join(FOLDER, '..', name));
    const backend = createOrtBackend({ threads: 1 });
    const spying: typeof backend = {
      createSession: async (path, options) => {
        const session = await backend.createSession(path, options);
        if (!options.name.endsWith('text_encoder/model.onnx')) return session;
        return {
          ...session,
          run: async feeds => {
            masks[name] = [...(feeds.attention_mask!.data as BigInt64Array)];
            return session.run(feeds);
          },
        };
      },
    };
    const opened = await openModel(bundle, spying);
    const { mask } = await opened.embed('a boat');
    expect([...mask]).toContain(0);
    await opened.release();
  }
  expect(masks.ltx).not.toContain(0n);
  expect(masks['wan-2.1-t2v']).toContain(0n);
});

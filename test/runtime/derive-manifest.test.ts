import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { cp, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openFamily } from '#gpu-container/render/open-family.ts';
import { deriveManifest } from '#gpu-container/runtime/derive-manifest.ts';
import { familyOffer, offerFields } from '#gpu-container/runtime/family-offers.ts';
import { loadBundle, readManifest } from '#gpu-container/runtime/load-bundle.ts';
import { entryOf } from './small-bundle.ts';

const FIXTURES = resolve(import.meta.dirname, '..', 'fixtures', 'bundles');
/** reelay-mini says in bundle.json alone what its latents are. */
const DERIVED = readdirSync(FIXTURES).filter(name => name !== 'reelay-mini');
const OPTIONS = { license: 'Apache-2.0', created: 1_795_219_200 };

/** A copy of a tiny bundle without its bundle.json: a diffusers folder in ONNX. */
async function folderOf(bundle: string): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'reelay-derive-')), 'My model (1)');
  onTestFinished(() => rm(resolve(folder, '..'), { recursive: true }));
  await cp(join(FIXTURES, bundle), folder, { recursive: true });
  await rm(join(folder, 'bundle.json'));
  return folder;
}

describe('a diffusers folder in ONNX without bundle.json', () => {
  test.each(DERIVED)('%s: is described as its exporter describes it', async bundle => {
    const [derived, exported] = [
      await deriveManifest(await folderOf(bundle), OPTIONS),
      await readManifest(join(FIXTURES, bundle)),
    ];
    expect(derived).toMatchObject({ family: exported.family, golden: 'golden/golden.json' });
    expect(derived.components).toEqual(exported.components);
    expect(derived.limits.steps).toEqual(exported.limits.steps);
    expect(derived.defaults.flow_shift).toEqual(exported.defaults.flow_shift);
    const files = exported.files.map(({ path, bytes }) => ({ path, bytes }));
    expect(files).toEqual(expect.arrayContaining([...derived.files]));
    expect(derived.tasks).toEqual(expect.arrayContaining(exported.tasks));
  });

  test.each(DERIVED)(
    '%s: opens as it is described: its family makes the sizes, lengths and tasks on offer',
    async bundle => {
      const folder = await folderOf(bundle);
      const draft = await deriveManifest(folder, { ...OPTIONS, id: bundle });
      const files = draft.files.map(({ path }) => entryOf(path, readFileSync(join(folder, path))));
      await writeFile(join(folder, 'bundle.json'), JSON.stringify({ ...draft, files }));
      const { tasks } = openFamily(await loadBundle(folder));
      expect(tasks).toEqual(expect.arrayContaining(draft.tasks));
    },
  );

  test('has a usable id from its name, and the sizes, frames and steps of its family', async () => {
    const derived = await deriveManifest(await folderOf('wan-2.1-t2v'), OPTIONS);
    expect(derived).toMatchObject({
      id: 'My-model-1',
      license: 'Apache-2.0',
      limits: { sizes: ['832x480', '480x832'], frames: { min: 5, max: 81, step: 1 } },
      defaults: { size: '832x480', frames: 81, fps: 16, steps: 50, guidance: 5 },
    });
  });

  test('of Wan 2.2 TI2V has the larger sizes and longer clips of that model', async () => {
    expect(await deriveManifest(await folderOf('wan-2.2-ti2v'), OPTIONS)).toMatchObject({
      tasks: ['t2v', 'i2v'],
      defaults: { size: '1280x704', frames: 121, fps: 24 },
    });
  });

  test('says its license in its model card, or is told it', async () => {
    const folder = await folderOf('ltx');
    await expect(deriveManifest(folder, { created: 1 })).rejects.toThrow('say it with --license');
    await writeFile(join(folder, 'README.md'), '---\ntags:\n- video\nlicense: other\nlicense_name: ltxv-1\n---\n');
    expect((await deriveManifest(folder, { created: 1 })).license).toBe('ltxv-1');
    await writeFile(join(folder, 'README.md'), '---\nlicense: "apache-2.0"\n---\nlicense: mit\n');
    expect((await deriveManifest(folder, { created: 1 })).license).toBe('apache-2.0');
  });

  test.each([
    ['a pipe, which nobody ever writes to', (path: string) => execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
  ])('whose model card is %s is refused in a sentence, unless its license is told', async (_, make) => {
    const folder = await folderOf('ltx');
    make(join(folder, 'README.md'));
    await expect(deriveManifest(folder, { created: 1 })).rejects.toMatchObject({
      code: 'bundle_corrupt',
      message: expect.stringContaining('README.md is not a plain file inside the bundle'),
    });
    expect((await deriveManifest(folder, OPTIONS)).license).toBe('Apache-2.0');
  });

  test('keeps what lies beside a graph as its data, and nothing else', async () => {
    const folder = await folderOf('ltx');
    await writeFile(join(folder, 'transformer', 'notes.txt'), 'mine');
    const paths = (await deriveManifest(folder, OPTIONS)).files.map(file => file.path);
    expect(paths).not.toContain('transformer/notes.txt');
  });
});

describe('what a folder offers', () => {
  const noConfigs = { modelIndex: {}, scheduler: {}, hasVaeEncoder: true };

  test('has no step count that its scheduler cannot do', () => {
    const offered = (scheduler: object) => {
      const configs = { ...noConfigs, scheduler: scheduler as Record<string, unknown> };
      return offerFields(familyOffer('ltx', configs), configs.scheduler, { size: undefined, frames: undefined });
    };
    expect(offered({}).limits.steps).toEqual({ min: 1, max: 100, step: 1 });
    expect(offered({ _class_name: 'LCMScheduler', original_inference_steps: 20 })).toMatchObject({
      limits: { steps: { min: 1, max: 20 } },
      defaults: { steps: 20 },
    });
  });

  test('is no video-to-video of two experts, which diffusers does not have', () => {
    expect(familyOffer('wan', noConfigs).tasks).toEqual(['t2v', 'v2v']);
    expect(familyOffer('wan', { ...noConfigs, modelIndex: { boundary_ratio: 0.875 } }).tasks).toEqual(['t2v']);
  });
});

describe('a folder that is no such thing is refused in a sentence', () => {
  const refused = async (change: (folder: string) => Promise<unknown>, sentence: string) => {
    const folder = await folderOf('ltx');
    await change(folder);
    await expect(deriveManifest(folder, OPTIONS)).rejects.toThrow(sentence);
  };

  test.each<[string, (folder: string) => Promise<unknown>, string]>([
    [
      'no model_index.json',
      f => rm(join(f, 'model_index.json')),
      'model_index.json is missing; My model (1) has golden',
    ],
    [
      'a pipeline of no family',
      f => writeFile(join(f, 'model_index.json'), '{"_class_name":"StableDiffusionPipeline"}'),
      'model_index.json: _class_name is "StableDiffusionPipeline"; these pipelines are rendered: WanPipeline',
    ],
    [
      'a pipeline that passes for another',
      f => writeFile(join(f, 'model_index.json'), '{"_class_name":"LTXConditionPipeline"}'),
      '_class_name is "LTXConditionPipeline", which is not rendered: its positions and its linear-quadratic schedule are not',
    ],
    ['a list', f => writeFile(join(f, 'model_index.json'), '[]'), 'model_index.json is not a JSON object'],
    ['no JSON', f => writeFile(join(f, 'model_index.json'), '{'), 'model_index.json is not JSON'],
    [
      'no tokenizer.json',
      f => rename(join(f, 'tokenizer/tokenizer.json'), join(f, 'tokenizer/spiece.model')),
      'tokenizer/tokenizer.json is missing; tokenizer has spiece.model, tokenizer_config.json',
    ],
    [
      'no decoder',
      f => rm(join(f, 'vae_decoder'), { recursive: true }),
      'vae_decoder/model.onnx is missing; there is no',
    ],
    [
      'weights that are no graphs',
      f => rename(join(f, 'transformer/model.onnx'), join(f, 'transformer/diffusion_pytorch_model.safetensors')),
      'transformer/model.onnx is missing; transformer has config.json, diffusion_pytorch_model.safetensors. Weights must',
    ],
    [
      'a graph that is none',
      f => writeFile(join(f, 'transformer/model.onnx'), 'not a graph'),
      'transformer/model.onnx is no graph that can be loaded',
    ],
    [
      'a link where a file should be',
      async f => {
        await rename(join(f, 'transformer/model.onnx'), join(f, 'elsewhere'));
        await symlink('../elsewhere', join(f, 'transformer/model.onnx'));
      },
      'transformer/model.onnx is not a plain file inside the bundle; links are not followed (cp -rL makes a copy without)',
    ],
  ])('%s', async (_, change, sentence) => {
    await refused(change, sentence);
  });

  test('no folder at all', async () => {
    await expect(deriveManifest('/nowhere/at/all', OPTIONS)).rejects.toThrow('/nowhere/at/all is no folder');
  });
});

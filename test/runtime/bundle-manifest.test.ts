import { describe, expect, test } from 'vitest';
import { familyOfPipeline } from '#gpu-container/runtime/bundle-families.ts';
import { parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { cachePaths, graphPaths } from '#gpu-container/runtime/manifest-rules.ts';

const entry = (path: string) => ({ path, bytes: 1, sha256: 'a'.repeat(64) });

/** The bundle.json of docs/bundles.md. */
const wan = (): any => ({
  bundle: 1,
  id: 'wan-2.1-1.3b',
  family: 'wan',
  tasks: ['t2v', 'v2v'],
  license: 'Apache-2.0',
  created: 1795219200,
  owned_by: 'Wan-AI',
  description: '…',
  components: {
    text_encoder: { graph: 'text_encoder/model.onnx', maxTokens: 512, width: 4096 },
    transformer: { graph: 'transformer/model.onnx' },
    vae_decoder: {
      plan: 'streaming',
      first: 'vae_decoder/stream_first.onnx',
      next: 'vae_decoder/stream_next.onnx',
      caches: 'vae_decoder/stream_caches.json',
    },
    vae_encoder: { graph: 'vae_encoder/model.onnx' },
  },
  limits: {
    sizes: ['832x480', '480x832'],
    frames: { min: 5, max: 81, step: 4 },
    fps: { min: 8, max: 30 },
    steps: { min: 1, max: 100 },
    guidance: { min: 1, max: 20 },
    maxPromptChars: 4000,
  },
  defaults: {
    size: '832x480',
    frames: 81,
    fps: 16,
    steps: 50,
    guidance: 5,
    negativePrompt: '',
    strength: 0.8,
    flow_shift: 3,
  },
  presets: { fast: { steps: 4, guidance: 1, flow_shift: 8 } },
  files: [
    'text_encoder/model.onnx',
    'transformer/model.onnx',
    'vae_decoder/stream_first.onnx',
    'vae_decoder/stream_next.onnx',
    'vae_decoder/stream_caches.json',
    'vae_encoder/model.onnx',
    'tokenizer/tokenizer.json',
    'scheduler/scheduler_config.json',
    'model_index.json',
    'golden/golden.json',
  ].map(entry),
  golden: 'golden/golden.json',
});

const parse = (change: (manifest: any) => unknown = () => undefined) => {
  const manifest = wan();
  change(manifest);
  return parseManifest('models/wan', JSON.stringify(manifest));
};

describe('bundle.json', () => {
  test('of the documentation is read', () => {
    const manifest = parse();
    expect(manifest).toMatchObject({ family: 'wan', presets: { fast: { steps: 4, guidance: 1, flow_shift: 8 } } });
    expect(graphPaths(manifest)).toEqual({
      text_encoder: 'text_encoder/model.onnx',
      transformer: 'transformer/model.onnx',
      vae_encoder: 'vae_encoder/model.onnx',
      'vae_decoder.first': 'vae_decoder/stream_first.onnx',
      'vae_decoder.next': 'vae_decoder/stream_next.onnx',
    });
  });

  test('may have an encoder that streams', () => {
    const { first, next, caches } = wan().components.vae_decoder;
    const streaming = parse(m => (m.components.vae_encoder = { plan: 'streaming', first, next, caches }));
    expect(graphPaths(streaming)).toMatchObject({ 'vae_encoder.first': first, 'vae_encoder.next': next });
    expect(cachePaths(streaming)).toEqual({ vae_decoder: caches, vae_encoder: caches });
  });

  test('may have more in it than this version knows, except where it would be without effect', () => {
    expect(parse(m => (m.later = { a: 1 }))).not.toHaveProperty('later');
    expect(() => parse(m => (m.presets.fast = { guidence: 1 }))).toThrow('presets.fast: Unrecognized key: "guidence"');
  });

  test.each<[string, (m: any) => unknown, string]>([
    ['an unknown family', m => (m.family = 'mochi'), 'family: got "mochi"; allowed: wan, animatediff, ltx, cogvideox'],
    ['no family', m => delete m.family, 'family: is missing'],
    ['no task', m => (m.tasks = []), 'tasks: got a list of 0; 1 is the least'],
    ['an unknown task', m => (m.tasks = ['t2i']), 'tasks.0: got "t2i"; allowed: t2v, i2v, v2v'],
    ['a task twice', m => (m.tasks = ['t2v', 't2v']), 'a task is listed twice'],
    ['v2v without an encoder', m => delete m.components.vae_encoder, 'vae_encoder: is missing; the task v2v needs one'],
    [
      'i2v of a family without',
      m => Object.assign(m, { family: 'animatediff', tasks: ['i2v'] }),
      'tasks: got "i2v"; the family',
    ],
    [
      'other names of inputs',
      m => (m.components.transformer.io = { timestep: 't' }),
      'components.transformer.io: other names of inputs and outputs are not supported',
    ],
    ['no denoiser', m => delete m.components.transformer, 'components.transformer: is missing; the family wan has one'],
    ['a denoiser too many', m => (m.components.unet = { graph: 'unet/model.onnx' }), 'components.unet: is not part of'],
    ['no text encoder', m => delete m.components.text_encoder, 'components.text_encoder: is missing'],
    ['no decoder', m => delete m.components.vae_decoder, 'components.vae_decoder: is missing'],
    ['a plan without its graph', m => (m.components.vae_decoder.plan = 'whole'), 'vae_decoder.graph: is missing'],
    ['an unknown plan', m => (m.components.vae_decoder.plan = 'tiled'), 'vae_decoder.plan: got "tiled"'],
    ['no plan', m => delete m.components.vae_decoder.plan, 'vae_decoder.plan: is missing'],
    [
      'a plan of another family',
      m => (m.components.vae_decoder = { plan: 'per-frame', graph: 'vae_decoder/stream_first.onnx' }),
      'plan: got "per-frame"; the family wan decodes by whole or streaming',
    ],
    [
      'an unknown plan of the encoder',
      m => (m.components.vae_encoder.plan = 'per-frame'),
      'vae_encoder.plan: got "per-frame"; allowed: whole, streaming',
    ],
    ['a graph of another format', m => (m.components.transformer.graph = 'a/b.ort'), 'a name that ends in .onnx'],
    [
      'a graph above 2 GB',
      m => (m.files[1].bytes = 3e9),
      'transformer/model.onnx has 3000000000 bytes; 2147483647 are',
    ],
    [
      'a tokenizer of gigabytes',
      m => (m.files[6].bytes = 1e9),
      'tokenizer/tokenizer.json has 1000000000 bytes; 100000',
    ],
    [
      'tiles with gaps',
      m => (m.components.vae_decoder.tile = { size: 256, stride: 300 }),
      'the stride is above the size',
    ],
    ['latents', m => (m.latents = { channels: 1, frames: 1, height: 1, width: 1 }), 'latents: only reelay-mini has'],
    ['a default outside', m => (m.defaults.size = '64x64'), 'defaults.size: got "64x64"; limits.sizes has 832x480'],
    ['frames between steps', m => (m.defaults.frames = 80), 'defaults.frames: got 80; limits.frames is 5 to 81 in'],
    ['a preset outside', m => (m.presets.fast.steps = 101), 'presets.fast.steps: got 101; limits.steps is 1 to 100'],
    [
      'a preset that shifts a schedule without a shift',
      m => delete m.defaults.flow_shift,
      'presets.fast.flow_shift: got 8; it needs defaults.flow_shift',
    ],
    ['guidance outside', m => (m.defaults.guidance = 21), 'defaults.guidance: got 21; limits.guidance is 1 to 20'],
    ['a size twice', m => m.limits.sizes.push('832x480'), 'limits.sizes: 832x480 is listed twice'],
    ['a clip of terabytes', m => m.limits.sizes.push('99999x99999'), '500000000 are the most of one clip'],
    ['an unlisted golden', m => m.files.pop(), 'files: golden/golden.json is used but not listed'],
    ['no model_index.json', m => m.files.splice(8, 1), 'files: model_index.json is used but not listed'],
    ['caches that are not listed', m => m.files.splice(4, 1), 'vae_decoder/stream_caches.json is used but not listed'],
    ['petabytes', m => (m.files[0].bytes = 1e15), 'bytes together; 200000000000 are the most of one bundle'],
    ['a number that is none', m => (m.limits.maxPromptChars = '4000'), 'maxPromptChars: got "4000"; number is allowed'],
  ])('with %s is refused in a sentence', (_, change, sentence) => {
    expect(() => parse(change)).toThrow(sentence);
  });

  test('with a hundred mistakes is refused in ten sentences', () => {
    const refused = () => parse(m => (m.files = Array.from({ length: 100 }, () => ({ path: '../x', bytes: 1 }))));
    expect(refused).toThrow('And 190 more.');
  });
});

test('a diffusers pipeline is of one family or of none', () => {
  expect(familyOfPipeline('WanImageToVideoPipeline')).toBe('wan');
  expect(familyOfPipeline('AnimateDiffPipeline')).toBe('animatediff');
  expect(familyOfPipeline('LTXConditionPipeline')).toBeUndefined();
  expect(familyOfPipeline('StableDiffusionPipeline')).toBeUndefined();
  expect(familyOfPipeline(undefined)).toBeUndefined();
});

/**
 * A real bundle of the family reelay-mini whose networks are a few kB of deterministic random weights: the whole pipeline, child and
 * encoder included, with a model that costs next to nothing. For the fault suites and for whatever needs many jobs.
 *
 *     const card = await writeFastBundle(join(models, 'fast'));            findBundles(models), createRenderer({ bundles … })
 *     node test/runtime/fast-bundle.ts <folder> [blocks]                   the same from a shell
 *
 * The denoiser's output depends on every latent, the timestep and the prompt, and its steps do not commute: a run resumed from
 * another state, step, prompt or seed ends in another video.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ModelCard } from '#core/models.ts';
import { createTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { type Edge, encodeGraph, type Node, type Weight } from './onnx-graph.ts';

const TOKENIZER = join(import.meta.dirname, '..', '..', 'models', 'reelay-mini', 'tokenizer', 'tokenizer.json');
const TOKENS = 16;
const WIDTH = 8;
const LATENT = { channels: 6, frames: 2, height: 8, width: 8 };
/** Pixels of a latent's cell. */
const CELL = 8;
const SIZE = `${LATENT.width * CELL}x${LATENT.height * CELL}`;

export interface FastBundleOptions {
  /** 'reelay-fast' */
  readonly id?: string;
  /** Of a clip; even. 4 */
  readonly frames?: number;
  /** Convolutions in the denoiser: 0.2 ms a step and 0.03 ms more for each. 30: kills then find it denoising */
  readonly blocks?: number;
  /** Another seed, another model. 1 */
  readonly seed?: number;
  /** Steps of a request that names none, 1 to 50. 4 */
  readonly steps?: number;
  /** `stochastic_sampling`: noise in every step. false */
  readonly stochastic?: boolean;
}

/** Writes the bundle into `folder`, made if need be, and returns its card: 64x64, 1 to 50 steps, 1 to 16 fps. */
export async function writeFastBundle(folder: string, options: FastBundleOptions = {}): Promise<ModelCard> {
  const { frames = 4, blocks = 30, seed = 1, stochastic = false } = options;
  const rng = createTorchRng(seed);
  const weight = (name: string, shape: number[], scale: number): Weight => {
    const data = rng.randn(shape.reduce((product, size) => product * size, 1)).map(value => value * scale);
    return { name, shape, data };
  };
  const tokenizer = await readFile(TOKENIZER, 'utf8');
  const words = Object.keys(JSON.parse(tokenizer).model.vocab).length;
  const scheduler = {
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    shift: 3,
    ...(stochastic && { stochastic_sampling: true }),
  };
  const contents: Record<string, Uint8Array | string> = {
    'text_encoder/model.onnx': textEncoder(weight, words),
    'transformer/model.onnx': denoiser(weight, blocks),
    'vae_decoder/model.onnx': decoder(weight, frames),
    'tokenizer/tokenizer.json': tokenizer,
    'scheduler/scheduler_config.json': JSON.stringify(scheduler),
  };
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  await writeFile(join(folder, 'bundle.json'), JSON.stringify(manifest(contents, frames, options), null, 2));
  return readModelCard(folder);
}

type MakeWeight = (name: string, shape: number[], scale: number) => Weight;

/** tanh(table[id] + place): the order of words counts too. */
function textEncoder(weight: MakeWeight, words: number): Uint8Array {
  return encodeGraph({
    inputs: [{ name: 'input_ids', type: 'int64', shape: [1, TOKENS] }],
    outputs: [{ name: 'last_hidden_state', type: 'float32', shape: [1, TOKENS, WIDTH] }],
    nodes: [
      { op: 'Gather', inputs: ['table', 'input_ids'], output: 'word' },
      { op: 'Add', inputs: ['word', 'place'], output: 'placed' },
      { op: 'Tanh', inputs: ['placed'], output: 'last_hidden_state' },
    ],
    weights: [weight('table', [words, WIDTH], 1), weight('place', [1, TOKENS, WIDTH], 1)],
  });
}

/** v = x - x0, where x0 = tanh(conv3d(… x …) + sin(timestep) + text): bounded, and sensitive to all three. */
function denoiser(weight: MakeWeight, blocks: number): Uint8Array {
  const { channels } = LATENT;
  const latent: Edge['shape'] = ['batch', channels, LATENT.frames, LATENT.height, LATENT.width];
  const nodes: Node[] = [
    { op: 'ReduceMean', inputs: ['encoder_hidden_states'], output: 'mean', attributes: { axes: [1], keepdims: 0 } },
    { op: 'MatMul', inputs: ['mean', 'text_weight'], output: 'text' },
    { op: 'Unsqueeze', inputs: ['timestep', 'last_axis'], output: 'time_column' },
    { op: 'Mul', inputs: ['time_column', 'frequency'], output: 'phase' },
    { op: 'Sin', inputs: ['phase'], output: 'time' },
    { op: 'Add', inputs: ['text', 'time'], output: 'condition' },
    { op: 'Unsqueeze', inputs: ['condition', 'space_axes'], output: 'condition_5d' },
  ];
  const weights: Weight[] = [
    weight('text_weight', [WIDTH, channels], 2),
    weight('frequency', [1, channels], 0.01),
    { name: 'last_axis', shape: [1], data: BigInt64Array.of(1n) },
    { name: 'space_axes', shape: [3], data: BigInt64Array.of(2n, 3n, 4n) },
  ];
  let input = 'hidden_states';
  for (let block = 0; block < blocks; block++) {
    const attributes = { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] };
    weights.push(weight(`mix_${block}`, [channels, channels, 3, 3, 3], 0.12));
    nodes.push({ op: 'Conv', inputs: [input, `mix_${block}`], output: `mixed_${block}`, attributes });
    nodes.push({ op: 'Add', inputs: [`mixed_${block}`, 'condition_5d'], output: `sum_${block}` });
    nodes.push({ op: 'Tanh', inputs: [`sum_${block}`], output: `clean_${block}` });
    input = `clean_${block}`;
  }
  nodes.push({ op: 'Sub', inputs: ['hidden_states', input], output: 'out_hidden_states' });
  return encodeGraph({
    inputs: [
      { name: 'hidden_states', type: 'float32', shape: latent },
      { name: 'timestep', type: 'float32', shape: ['batch'] },
      { name: 'encoder_hidden_states', type: 'float32', shape: ['batch', TOKENS, WIDTH] },
    ],
    outputs: [{ name: 'out_hidden_states', type: 'float32', shape: latent }],
    nodes,
    weights,
  });
}

/** Each latent value paints its cell in its channel's color. */
function decoder(weight: MakeWeight, frames: number): Uint8Array {
  const { channels, height, width } = LATENT;
  const perLatent = frames / LATENT.frames;
  if (!Number.isInteger(perLatent) || perLatent < 1)
    throw new RangeError(`frames: got ${frames}; 2, 4, 6 … are allowed.`);
  const colors = weight('color', [channels, 3], 0.5).data as Float32Array;
  const cell = perLatent * CELL * CELL;
  const painted = Float32Array.from({ length: channels * 3 * cell }, (_, i) => colors[Math.floor(i / cell)]!);
  const strides = [perLatent, CELL, CELL];
  return encodeGraph({
    inputs: [{ name: 'latent_sample', type: 'float32', shape: [1, channels, LATENT.frames, height, width] }],
    outputs: [{ name: 'sample', type: 'float32', shape: [1, 3, frames, height * CELL, width * CELL] }],
    nodes: [
      {
        op: 'ConvTranspose',
        inputs: ['latent_sample', 'paint'],
        output: 'painted',
        attributes: { kernel_shape: strides, strides },
      },
      { op: 'Tanh', inputs: ['painted'], output: 'sample' },
    ],
    weights: [{ name: 'paint', shape: [channels, 3, ...strides], data: painted }],
  });
}

/** What the makers of random numbers state of them. */
export const GOVERNANCE = {
  card: { summary: 'Random weights.', intendedUse: ['Tests.'], outOfScope: [], knownLimits: ['It makes noise.'] },
  dataset: {
    sources: ['none'],
    syntheticShare: 1,
    personalData: 'none',
    thirdPartyWorks: 'none',
    optOuts: 'Nothing was trained.',
  },
  license: { spdx: 'Apache-2.0', commercialUse: true, exceptTerritories: [], prohibitedUses: [] },
};

function manifest(contents: Record<string, Uint8Array | string>, frames: number, options: FastBundleOptions): object {
  return {
    bundle: 1,
    id: options.id ?? 'reelay-fast',
    family: 'reelay-mini',
    tasks: ['t2v'],
    license: 'Apache-2.0',
    created: 1,
    owned_by: 'tests',
    description: 'Random weights, for tests that need many jobs.',
    components: {
      text_encoder: { graph: 'text_encoder/model.onnx', maxTokens: TOKENS, width: WIDTH },
      transformer: { graph: 'transformer/model.onnx' },
      vae_decoder: { graph: 'vae_decoder/model.onnx', plan: 'whole' },
    },
    latents: LATENT,
    limits: {
      sizes: [SIZE],
      frames: { min: frames, max: frames, step: 1 },
      fps: { min: 1, max: 16, step: 1 },
      steps: { min: 1, max: 50, step: 1 },
      guidance: { min: 1, max: 10 },
      maxPromptChars: 1000,
    },
    defaults: { size: SIZE, frames, fps: 4, steps: options.steps ?? 4, guidance: 2, negativePrompt: '' },
    governance: GOVERNANCE,
    // Enlarged to 512 pixels its clips would cost more than all else that these tests do.
    delivery: 'native',
    files: Object.entries(contents).map(([path, content]) => ({
      path,
      bytes: Buffer.byteLength(content),
      sha256: createHash('sha256').update(content).digest('hex'),
    })),
  };
}

if (process.argv[1] === import.meta.filename) {
  const [folder, blocks] = process.argv.slice(2);
  if (folder === undefined) throw new Error('usage: node test/runtime/fast-bundle.ts <folder> [blocks]');
  const card = await writeFastBundle(folder, { blocks: Number(blocks ?? 30) });
  console.log(`${card.id} ${card.digest}`);
}

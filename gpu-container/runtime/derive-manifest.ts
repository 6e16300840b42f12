/**
 * @file A bundle.json for a folder that has none: a diffusers pipeline as Optimum or our exporter lays it out in ONNX. What the
 * folder does not say is what the makers of its family name.
 */
import { basename } from 'node:path';
import { type BundleFamily, bundleFamily, FAMILY_NAMES, familyOfPipeline, whyNotRendered } from './bundle-families.ts';
import { type BundleSource, openSource } from './bundle-source.ts';
import { type DerivedFamily, type FamilyOffer, familyOffer, offerFields } from './family-offers.ts';
import { IMAGE_PROCESSOR_PATH, MODEL_INDEX_PATH, SCHEDULER_PATH, TOKENIZER_PATH } from './manifest-rules.ts';
import type { BundleManifest } from './manifest-schema.ts';
import type { OnnxModel } from './onnx-graph.ts';

/** A manifest whose files are not hashed yet. */
export interface ManifestDraft extends Omit<BundleManifest, 'files'> {
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/** What the folder cannot know of itself. */
export interface DeriveOptions {
  /** The folder's name otherwise. */
  readonly id?: string | undefined;
  /** What README.md says at its top otherwise. */
  readonly license?: string | undefined;
  /** Unix seconds. */
  readonly created: number;
}

/** Graphs by component. */
type Graphs = Map<string, OnnxModel>;

/**
 * Reads a folder without bundle.json; nothing is hashed. Throws `bundle_invalid` in a sentence: no pipeline, one of no family, a
 * component that is missing, a graph that is refused, no license.
 */
export async function deriveManifest(folder: string, options: DeriveOptions): Promise<ManifestDraft> {
  const source = await openSource(folder);
  const modelIndex = await source.json(MODEL_INDEX_PATH);
  const family = familyOf(source, modelIndex._class_name);
  const scheduler = await source.json(SCHEDULER_PATH);
  await source.need(TOKENIZER_PATH);
  const graphs: Graphs = new Map();
  const components = await takeComponents(source, family, graphs);
  const hasVaeEncoder = components.vae_encoder !== undefined;
  const offer = familyOffer(family, { modelIndex, scheduler, hasVaeEncoder });
  const { maxTokens, width } = await textShape(source, family, graphs, offer);
  const license = options.license ?? (await licenseOf(source));
  await takeOthers(source);
  return {
    bundle: 1,
    id: options.id ?? idOf(source),
    family,
    tasks: [...offer.tasks],
    license,
    created: options.created,
    owned_by: 'local',
    description: `${modelIndex._class_name} of the folder ${basename(source.root)}.`,
    components: {
      ...components,
      text_encoder: { ...components.text_encoder, maxTokens, width },
    },
    ...offerFields(offer, scheduler, builtIn(family, graphs, offer)),
    presets: {},
    files: [...source.taken].map(([path, bytes]) => ({ path, bytes })).sort((a, b) => (a.path < b.path ? -1 : 1)),
    ...(source.taken.has('golden/golden.json') && { golden: 'golden/golden.json' }),
  };
}

/** The folder's name, as far as an id may have it. */
function idOf({ root }: BundleSource): string {
  const name = basename(root)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return name.replace(/-+$/, '') || 'model';
}

function familyOf(source: BundleSource, className: unknown): DerivedFamily {
  const family = familyOfPipeline(className);
  if (family !== undefined && family !== 'reelay-mini') return family;
  const known = FAMILY_NAMES.filter(name => name !== 'reelay-mini').flatMap(name => bundleFamily(name).pipelines);
  throw source.refuse(
    `${MODEL_INDEX_PATH}: _class_name is ${JSON.stringify(className)}${whyNotRendered(className)}; these pipelines are rendered: ${known.join(', ')}.`,
  );
}

async function takeComponents(source: BundleSource, family: DerivedFamily, graphs: Graphs) {
  const known = bundleFamily(family);
  const plain = async (component: string): Promise<{ graph: string }> => {
    const path = `${component}/model.onnx`;
    graphs.set(component, await source.graph(path));
    await source.take(`${component}/config.json`);
    return { graph: path };
  };
  const ifThere = async (component: string) =>
    (await source.take(`${component}/model.onnx`)) ? { [component]: await plain(component) } : {};
  const text_encoder = await plain('text_encoder');
  const denoiser = { [known.denoiser]: await plain(known.denoiser) };
  const more = family === 'wan' ? { ...(await ifThere('transformer_2')), ...(await ifThere('image_encoder')) } : {};
  if ('image_encoder' in more) await source.need(IMAGE_PROCESSOR_PATH);
  const vae_decoder = await takeDecoder(source, known, graphs, plain);
  return { text_encoder, ...denoiser, ...more, vae_decoder, ...(await takeEncoder(source, known, graphs, plain)) };
}

type TakeGraph = (component: string) => Promise<{ graph: string }>;

async function takeDecoder(source: BundleSource, known: BundleFamily, graphs: Graphs, plain: TakeGraph) {
  if (known.plans.includes('streaming') && (await source.take(streamPaths('vae_decoder').first)))
    return takeStreaming(source, 'vae_decoder', graphs);
  const plan = known.plans.includes('per-frame') ? ('per-frame' as const) : ('whole' as const);
  return { plan, ...(await plain('vae_decoder')) };
}

async function takeEncoder(source: BundleSource, known: BundleFamily, graphs: Graphs, plain: TakeGraph) {
  if (known.plans.includes('streaming') && (await source.take(streamPaths('vae_encoder').first)))
    return { vae_encoder: await takeStreaming(source, 'vae_encoder', graphs) };
  if (!(await source.take('vae_encoder/model.onnx'))) return {};
  return { vae_encoder: { plan: 'whole' as const, ...(await plain('vae_encoder')) } };
}

const streamPaths = (component: string) => ({
  first: `${component}/stream_first.onnx`,
  next: `${component}/stream_next.onnx`,
  caches: `${component}/stream_caches.json`,
});

async function takeStreaming(source: BundleSource, component: string, graphs: Graphs) {
  const paths = streamPaths(component);
  graphs.set(component, await source.graph(paths.first));
  await source.graph(paths.next);
  await source.need(paths.caches);
  await source.take(`${component}/config.json`);
  return { plan: 'streaming' as const, ...paths };
}

/** How many tokens a prompt has: what the denoiser has built in, else what the family's pipelines use. */
async function textShape(source: BundleSource, family: DerivedFamily, graphs: Graphs, offer: FamilyOffer) {
  const encoder = graphs.get('text_encoder')!;
  const { inputs } = graphs.get(bundleFamily(family).denoiser)!;
  const states = inputs.find(input => input.name === 'encoder_hidden_states')?.shape;
  const ids = encoder.inputs.find(input => input.name === 'input_ids')?.shape;
  const out = encoder.outputs.find(output => output.name === 'last_hidden_state')?.shape;
  const path = 'text_encoder/config.json';
  const config = (await source.take(path)) ? await source.json(path) : {};
  const width = firstCount(config.d_model, config.hidden_size, out?.at(-1), states?.at(-1));
  if (width === undefined)
    throw source.refuse(
      `${path}: neither it (d_model or hidden_size) nor the graph tells how wide the embeddings are.`,
    );
  return { maxTokens: firstCount(states?.[1], ids?.[1]) ?? offer.maxTokens, width };
}

function firstCount(...values: unknown[]): number | undefined {
  return values.find((one): one is number => Number.isInteger(one) && Number(one) > 0);
}

/** Size and frames that the denoiser's latents fix; undefined where they are free. */
function builtIn(family: DerivedFamily, graphs: Graphs, offer: FamilyOffer) {
  const { inputs } = graphs.get(bundleFamily(family).denoiser)!;
  const latents = inputs.find(input => ['hidden_states', 'sample'].includes(input.name))?.shape;
  if (offer.cell === undefined || latents?.length !== 5) return { size: undefined, frames: undefined };
  const [height, width] = latents.slice(3).map(size => firstCount(size));
  const frames = firstCount(latents[family === 'cogvideox' ? 1 : 2]);
  return {
    size: height && width ? `${width * offer.cell}x${height * offer.cell}` : undefined,
    frames: frames && (frames - 1) * offer.frameStep + 1,
  };
}

/** What belongs to the bundle although nothing in it needs it to render. */
async function takeOthers(source: BundleSource): Promise<void> {
  for (const path of [
    'vae/config.json',
    'tokenizer/tokenizer_config.json',
    'LICENSE',
    'LICENSE.md',
    'LICENSE.txt',
    'NOTICE',
  ])
    await source.take(path);
  if (await source.take('golden/golden.json')) await source.takeAll('golden');
}

/** Where a model card says it: `license: apache-2.0` between two lines of dashes at the top. */
async function licenseOf(source: BundleSource): Promise<string> {
  const top = await source.peek('README.md', 4096);
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(top ?? '')?.[1] ?? '';
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*["']?([A-Za-z0-9._+-]{1,100})["']?\\s*$`, 'm').exec(front)?.[1];
  const license = [field('license'), field('license_name')].find(one => one !== undefined && one !== 'other');
  if (license === undefined)
    throw source.refuse('nothing here says what its license is; say it with --license, as Apache-2.0.');
  return license;
}

/** @file The small JSON files of a bundle: what diffusers wrote beside its graphs. Their bytes are verified before they are read. */
import { posix } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { parseSchedulerConfig } from '#gpu-container/engine/schedulers/parse-config.ts';
import { bundleFamily, whyNotRendered } from './bundle-families.ts';
import { readPlainText } from './bundle-files.ts';
import { type BundleManifest, parseJson } from './bundle-manifest.ts';
import { cachePaths, graphPaths, MODEL_INDEX_PATH, SCHEDULER_PATH } from './manifest-rules.ts';

/** The Wan 2.1 decoder has 32 caches, of 2 frames and at most 384 channels at 8 times the latent. */
const MAX_CACHES = 256;
const MAX_CACHE_CHANNELS = 4096;
const MAX_CACHE_FRAMES = 16;
const MAX_CACHE_SCALE = 64;

/** A cache of a streaming VAE: [1, channels, frames, h · scale, w · scale], h and w of the latent. */
export interface VaeCache {
  readonly channels: number;
  readonly frames: number;
  readonly scale: number;
}

/** Small files of parts without a graph, at fixed places as in a diffusers folder. */
const OTHER_CONFIGS = { tokenizer: 'tokenizer_config.json', image_processor: 'preprocessor_config.json' };

/** Beside the graph, as Optimum has it; a decoder's may also lie where diffusers keeps that of the whole VAE. */
export async function readConfigs(
  name: string,
  root: string,
  manifest: BundleManifest,
): Promise<Record<string, Record<string, unknown>>> {
  const listed = new Set(manifest.files.map(file => file.path));
  const configs: Record<string, Record<string, unknown>> = {};
  for (const [graph, path] of Object.entries(graphPaths(manifest))) {
    const component = graph.split('.')[0]!;
    const places = [posix.join(posix.dirname(path), 'config.json')];
    if (component.startsWith('vae_')) places.push('vae/config.json');
    const place = places.find(one => listed.has(one));
    if (place !== undefined) configs[component] ??= await readObject(name, root, place);
  }
  for (const [folder, file] of Object.entries(OTHER_CONFIGS))
    if (listed.has(`${folder}/${file}`)) configs[folder] = await readObject(name, root, `${folder}/${file}`);
  return configs;
}

/** model_index.json; {} when it is not listed. `bundle_invalid` when its pipeline is of another family. */
export async function readModelIndex(
  name: string,
  root: string,
  manifest: BundleManifest,
): Promise<Record<string, unknown>> {
  const { family, files } = manifest;
  if (!files.some(file => file.path === MODEL_INDEX_PATH)) return {};
  const index = await readObject(name, root, MODEL_INDEX_PATH);
  const { pipelines } = bundleFamily(family);
  if (!pipelines.some(known => known === index._class_name))
    throw new ReelayError(
      'bundle_invalid',
      `${name}: ${MODEL_INDEX_PATH}: _class_name is ${JSON.stringify(index._class_name)}${whyNotRendered(index._class_name)}; of the family ${family} these are rendered: ${pipelines.join(', ')}.`,
    );
  return index;
}

/** What the caches of the streaming components look like, by component. */
export async function readAllCaches(
  name: string,
  root: string,
  manifest: BundleManifest,
): Promise<{ vae_decoder?: VaeCache[]; vae_encoder?: VaeCache[] }> {
  const { vae_decoder, vae_encoder } = cachePaths(manifest);
  return {
    ...(vae_decoder !== undefined && { vae_decoder: await readCaches(name, root, vae_decoder) }),
    ...(vae_encoder !== undefined && { vae_encoder: await readCaches(name, root, vae_encoder) }),
  };
}

async function readCaches(name: string, root: string, path: string): Promise<VaeCache[]> {
  const caches = parseJson(`${name}: ${path}`, await readListed(name, root, path));
  const whole = (value: unknown, most: number) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  const isCache = (one: unknown): one is VaeCache => {
    const { channels, frames, scale } = (one ?? {}) as Record<string, unknown>;
    return whole(channels, MAX_CACHE_CHANNELS) && whole(frames, MAX_CACHE_FRAMES) && whole(scale, MAX_CACHE_SCALE);
  };
  if (Array.isArray(caches) && caches.length >= 1 && caches.length <= MAX_CACHES && caches.every(isCache))
    return caches.map(({ channels, frames, scale }) => ({ channels, frames, scale }));
  const found = Array.isArray(caches) ? `a list of ${caches.length}` : 'no list';
  const wrong = Array.isArray(caches) ? JSON.stringify(caches.find(one => !isCache(one))) : undefined;
  throw new ReelayError(
    'bundle_invalid',
    `${name}: ${path}: got ${found}${wrong === undefined ? '' : `, in it ${wrong.slice(0, 80)}`}; 1 to ${MAX_CACHES} entries { "channels", "frames", "scale" } of whole numbers from 1 are allowed.`,
  );
}

/** A small JSON file of the bundle, which must hold an object. */
export async function readObject(name: string, root: string, path: string): Promise<Record<string, unknown>> {
  const value = parseJson(`${name}: ${path}`, await readListed(name, root, path));
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ReelayError('bundle_invalid', `${name}: ${path} is not a JSON object.`);
  return value as Record<string, unknown>;
}

/** scheduler_config.json, which Python may have written with a bare Infinity in it. `bundle_invalid` where it is no object. */
export async function readScheduler(name: string, root: string): Promise<Record<string, unknown>> {
  const text = await readListed(name, root, SCHEDULER_PATH);
  try {
    return parseSchedulerConfig(text);
  } catch (cause) {
    throw new ReelayError('bundle_invalid', `${name}: ${SCHEDULER_PATH} is not a JSON object.`, { cause });
  }
}

/** A file that was there a moment ago. */
async function readListed(name: string, root: string, path: string): Promise<string> {
  const text = await readPlainText(name, root, path);
  if (text === undefined) throw new ReelayError('bundle_corrupt', `${name}: ${path} is missing.`);
  return text;
}

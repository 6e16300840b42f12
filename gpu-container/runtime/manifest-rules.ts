/** @file What the fields of bundle.json owe one another and the family; each rule is a sentence that says how it was broken. */
import { limits } from '#core/limits.ts';
import { describeRange, inRange } from '#core/models.ts';
import { bundleFamily } from './bundle-families.ts';
import type { BundleManifest } from './manifest-schema.ts';

/** Files beside the graphs that every bundle has, at fixed places as in a diffusers folder. */
export const TOKENIZER_PATH = 'tokenizer/tokenizer.json';
/** Where every bundle keeps its scheduler's settings. */
export const SCHEDULER_PATH = 'scheduler/scheduler_config.json';
/** How an image becomes the pixels that an image encoder takes. */
export const IMAGE_PROCESSOR_PATH = 'image_processor/preprocessor_config.json';
/** Which diffusers pipeline it is; reelay-mini, which is none, may lack it. */
export const MODEL_INDEX_PATH = 'model_index.json';

/** The paths of a bundle's graphs inside it, by component; of a streaming `x`, those of `x.first` and `x.next`. */
export function graphPaths({ components }: BundleManifest): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const [component, entry] of Object.entries(components)) {
    if (entry === undefined) continue;
    if ('graph' in entry) paths[component] = entry.graph;
    else Object.assign(paths, { [`${component}.first`]: entry.first, [`${component}.next`]: entry.next });
  }
  return paths;
}

/** The lists of caches of the streaming parts, by component. */
export function cachePaths({ components }: BundleManifest): Partial<Record<'vae_decoder' | 'vae_encoder', string>> {
  const { vae_decoder, vae_encoder } = components;
  return {
    ...(vae_decoder.plan === 'streaming' && { vae_decoder: vae_decoder.caches }),
    ...(vae_encoder?.plan === 'streaming' && { vae_encoder: vae_encoder.caches }),
  };
}

/** What is wrong, in sentences; none when the bundle makes sense. */
export function manifestProblems(manifest: BundleManifest): string[] {
  return [
    ...componentProblems(manifest),
    ...latentProblems(manifest),
    ...limitProblems(manifest),
    ...fileProblems(manifest),
  ];
}

function componentProblems({ family, tasks, components }: BundleManifest): string[] {
  const known = bundleFamily(family);
  const problems: string[] = [];
  const other = known.denoiser === 'unet' ? 'transformer' : 'unet';
  if (components[known.denoiser] === undefined)
    problems.push(`components.${known.denoiser}: is missing; the family ${family} has one.`);
  if (components[other] !== undefined)
    problems.push(`components.${other}: is not part of the family ${family}, which has a ${known.denoiser}.`);
  if (components.transformer_2 !== undefined && family !== 'wan')
    problems.push('components.transformer_2: only the family wan has a second transformer.');
  if (components.image_encoder !== undefined && family !== 'wan')
    problems.push('components.image_encoder: only the family wan has an image encoder.');
  const { plan } = components.vae_decoder;
  if (!known.plans.includes(plan))
    problems.push(
      `components.vae_decoder.plan: got "${plan}"; the family ${family} decodes by ${known.plans.join(' or ')}.`,
    );
  for (const task of tasks) {
    if (!known.tasks.includes(task))
      problems.push(`tasks: got "${task}"; the family ${family} makes ${known.tasks.join(', ')}.`);
    else if (task !== 't2v' && components.vae_encoder === undefined)
      problems.push(`components.vae_encoder: is missing; the task ${task} needs one.`);
  }
  return problems;
}

function latentProblems({ family, latents, limits: { sizes } }: BundleManifest): string[] {
  if (family !== 'reelay-mini')
    return latents === undefined ? [] : ['latents: only reelay-mini has them; others compute them from their configs.'];
  const problems: string[] = [];
  if (latents === undefined) problems.push('latents: is missing; reelay-mini has no other place for them.');
  if (sizes.length !== 1) problems.push(`limits.sizes: got ${sizes.length}; reelay-mini makes one size.`);
  return problems;
}

function limitProblems({ limits: offered, defaults, presets }: BundleManifest): string[] {
  const { sizes, frames, fps, steps, guidance } = offered;
  const problems: string[] = [];
  const twice = sizes.find((size, i) => sizes.indexOf(size) !== i);
  if (twice !== undefined) problems.push(`limits.sizes: ${twice} is listed twice.`);
  for (const size of sizes) {
    const [width, height] = size.split('x').map(Number);
    if (width! * height! * frames.max > limits.maxClipPixels)
      problems.push(
        `limits: ${frames.max} frames of ${size} are ${width! * height! * frames.max} pixels; ${limits.maxClipPixels} are the most of one clip.`,
      );
  }
  if (!sizes.includes(defaults.size))
    problems.push(`defaults.size: got "${defaults.size}"; limits.sizes has ${sizes.join(', ')}.`);
  const ranges = { frames, fps, steps };
  for (const field of ['frames', 'fps', 'steps'] as const)
    if (!inRange(ranges[field], defaults[field]))
      problems.push(`defaults.${field}: got ${defaults[field]}; limits.${field} is ${describeRange(ranges[field])}.`);
  const chosen = Object.entries(presets).map(([name, preset]) => [`presets.${name}`, preset] as const);
  for (const [where, values] of [['defaults', defaults] as const, ...chosen]) {
    if (values.guidance !== undefined && (values.guidance < guidance.min || values.guidance > guidance.max))
      problems.push(
        `${where}.guidance: got ${values.guidance}; limits.guidance is ${guidance.min} to ${guidance.max}.`,
      );
    if (where !== 'defaults' && values.steps !== undefined && !inRange(steps, values.steps))
      problems.push(`${where}.steps: got ${values.steps}; limits.steps is ${describeRange(steps)}.`);
    if (values.flow_shift !== undefined && defaults.flow_shift === undefined)
      problems.push(`${where}.flow_shift: got ${values.flow_shift}; it needs defaults.flow_shift, the schedule's own.`);
  }
  return problems;
}

function fileProblems(manifest: BundleManifest): string[] {
  const { family, files, golden } = manifest;
  const listed = new Set(files.map(file => file.path));
  const used = [
    ...Object.values(graphPaths(manifest)),
    TOKENIZER_PATH,
    SCHEDULER_PATH,
    ...(family === 'reelay-mini' ? [] : [MODEL_INDEX_PATH]),
    ...(manifest.components.image_encoder === undefined ? [] : [IMAGE_PROCESSOR_PATH]),
    ...Object.values(cachePaths(manifest)),
    ...(golden === undefined ? [] : [golden]),
  ];
  const problems = used.filter(path => !listed.has(path)).map(path => `files: ${path} is used but not listed.`);
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) problems.push(`files: ${path} is listed twice.`);
    seen.add(path);
  }
  const graphs = Object.values(graphPaths(manifest));
  for (const { path, bytes } of files) {
    const most = graphs.includes(path)
      ? limits.maxGraphBytes
      : used.includes(path)
        ? limits.maxBundleJsonBytes
        : undefined;
    if (most !== undefined && bytes > most)
      problems.push(
        `files: ${path} has ${bytes} bytes; ${most} are the most of ${graphs.includes(path) ? 'a graph' : 'it'}.`,
      );
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > limits.maxBundleBytes)
    problems.push(`files: ${bytes} bytes together; ${limits.maxBundleBytes} are the most of one bundle.`);
  return problems;
}

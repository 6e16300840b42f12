/**
 * @file bundle.json: what a bundle says about itself. Parsing it touches no other file, so a front that serves requests can know
 * a model's limits without its weights.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ReelayError } from '#core/errors.ts';
import type { ModelCard } from '#core/models.ts';

const text = z.string().min(1);
const count = z.int().min(1);
const range = z
  .object({ min: count, max: count, step: count.default(1) })
  .refine(r => r.min <= r.max, 'min is above max');

/** A path inside the bundle: plain names joined by "/". A backslash, a drive or ".." would leave the folder on some system. */
const insidePath = text
  .max(255)
  .refine(
    path => /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(path) && !path.split('/').some(part => /^\.+$/.test(part)),
    { error: issue => `got ${JSON.stringify(issue.input)}; a path inside the bundle is allowed` },
  );

const size = text.regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, 'expected WIDTHxHEIGHT in pixels');

const manifestSchema = z.object({
  bundle: z.literal(1),
  id: text.max(64).regex(/^[A-Za-z0-9._-]+$/, 'letters, digits, dot, dash and underscore are allowed'),
  family: z.literal('reelay-mini'),
  tasks: z.tuple([z.literal('t2v')]),
  license: text,
  created: z.int().min(0),
  owned_by: text,
  description: z.string(),
  components: z.object({
    text_encoder: z.object({ graph: insidePath, maxTokens: count.max(4096), width: count }),
    transformer: z.object({ graph: insidePath }),
    vae_decoder: z.object({ graph: insidePath, plan: z.literal('whole') }),
  }),
  latents: z.object({ channels: count, frames: count, height: count, width: count }),
  limits: z.object({
    sizes: z.array(size).length(1), // latents fix one size and one frame count: a model with more needs its rule here
    frames: range.refine(r => r.min === r.max, 'this family makes one frame count'),
    fps: range,
    steps: range,
    guidance: z.object({ min: z.number().min(1), max: z.number() }).refine(g => g.min <= g.max, 'min is above max'),
    maxPromptChars: count,
  }),
  defaults: z.object({
    size,
    frames: count,
    fps: count,
    steps: count,
    guidance: z.number(),
    negativePrompt: z.string().default(''),
  }),
  files: z
    .array(
      z.object({
        path: insidePath,
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
      }),
    )
    .min(1)
    .max(1000),
});

/** bundle.json, checked. */
export type BundleManifest = z.infer<typeof manifestSchema>;

/** Files beside the graphs that every bundle has, at fixed places as in a diffusers folder. */
export const TOKENIZER_PATH = 'tokenizer/tokenizer.json';
/** Where every bundle keeps its scheduler's settings. */
export const SCHEDULER_PATH = 'scheduler/scheduler_config.json';

/** The text of a bundle.json, or `bundle_invalid` with a sentence per problem. `name` opens each sentence. */
export function parseManifest(name: string, json: string): BundleManifest {
  const parsed = manifestSchema.safeParse(parseJson(`${name}: bundle.json`, json));
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(issue => `${issue.path.join('.') || 'the document'}: ${issue.message}.`);
    throw new ReelayError('bundle_invalid', `${name}: bundle.json: ${sentences.join(' ')}`);
  }
  const manifest = parsed.data;
  const listed = manifest.files.map(file => file.path);
  const { text_encoder, transformer, vae_decoder } = manifest.components;
  for (const path of [text_encoder.graph, transformer.graph, vae_decoder.graph, TOKENIZER_PATH, SCHEDULER_PATH])
    if (!listed.includes(path))
      throw new ReelayError('bundle_invalid', `${name}: bundle.json: files: ${path} is used but not listed.`);
  const twice = listed.find((path, i) => listed.indexOf(path) !== i);
  if (twice !== undefined)
    throw new ReelayError('bundle_invalid', `${name}: bundle.json: files: ${twice} is listed twice.`);
  return manifest;
}

/** JSON of a bundle's file; `bundle_invalid` naming the file if it is none. */
export function parseJson(name: string, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ReelayError('bundle_invalid', `${name} is not JSON.`, { cause });
  }
}

/** sha256, hex, over the file list sorted by path, a line each as sha256sum prints it. Names the exact weights. */
export function bundleDigest(manifest: BundleManifest): string {
  const lines = manifest.files.map(file => ({ path: file.path, line: `${file.sha256}  ${file.path}\n` }));
  lines.sort((a, b) => (a.path < b.path ? -1 : 1));
  return createHash('sha256')
    .update(lines.map(entry => entry.line).join(''))
    .digest('hex');
}

/** What the doors need to know of a model: its limits and defaults in the API's words. */
export function modelCard(manifest: BundleManifest, digest: string): ModelCard {
  const { limits, defaults } = manifest;
  return {
    id: manifest.id,
    created: manifest.created,
    owned_by: manifest.owned_by,
    license: manifest.license,
    description: manifest.description,
    digest,
    tasks: manifest.tasks,
    sizes: limits.sizes,
    frames: limits.frames,
    fps: limits.fps,
    num_inference_steps: limits.steps,
    guidance_scale: limits.guidance,
    maxPromptChars: limits.maxPromptChars,
    defaults: {
      size: defaults.size,
      frames: defaults.frames,
      fps: defaults.fps,
      num_inference_steps: defaults.steps,
      guidance_scale: defaults.guidance,
      negative_prompt: defaults.negativePrompt,
    },
  };
}

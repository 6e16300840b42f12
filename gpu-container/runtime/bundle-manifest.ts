/**
 * @file bundle.json: what a bundle says about itself. Parsing it touches no other file, so a front that serves requests can know
 * a model's limits without its weights.
 */
import { createHash } from 'node:crypto';
import { ReelayError } from '#core/errors.ts';
import type { ModelCard, ModelPreset } from '#core/models.ts';
import type { ModelNeeds } from '#core/provider.ts';
import { deliveredSize } from '#gpu-container/provenance/watermark/delivered-size.ts';
import { manifestProblems } from './manifest-rules.ts';
import { type BundleManifest, explainIssue, manifestSchema } from './manifest-schema.ts';

/** bundle.json, checked. */
export type { BundleManifest } from './manifest-schema.ts';

/** More sentences than these nobody reads, and a small file must not earn a huge answer. */
const MAX_TOLD = 10;
/** Of one sentence: a key in a hostile file may be as long as the file. */
const MAX_SENTENCE_CHARS = 400;

/** The text of a bundle.json, or `bundle_invalid` with a sentence per problem. `name` opens each sentence. */
export function parseManifest(name: string, json: string): BundleManifest {
  const document = parseJson(`${name}: bundle.json`, json);
  const parsed = manifestSchema.safeParse(document, { error: explainIssue });
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(issue => `${issue.path.join('.') || 'the document'}: ${issue.message}.`);
    throw refusal(name, sentences);
  }
  const problems = [...renamingProblems(document), ...manifestProblems(parsed.data)];
  if (problems.length > 0) throw refusal(name, problems);
  return parsed.data;
}

/** Of the keys that the schema leaves out this one must not go in silence: its graph would be fed under other names. */
function renamingProblems(document: unknown): string[] {
  const { components } = document as { components: Record<string, unknown> };
  return Object.entries(components)
    .filter(([, entry]) => Object.hasOwn(Object(entry), 'io'))
    .map(
      ([component]) =>
        `components.${component}.io: other names of inputs and outputs are not supported; the graph has those of docs/bundles.md.`,
    );
}

function refusal(name: string, sentences: readonly string[]): ReelayError {
  const told = sentences
    .slice(0, MAX_TOLD)
    .map(one => (one.length > MAX_SENTENCE_CHARS ? `${one.slice(0, MAX_SENTENCE_CHARS)} ….` : one));
  if (sentences.length > MAX_TOLD) told.push(`And ${sentences.length - MAX_TOLD} more.`);
  return new ReelayError('bundle_invalid', `${name}: bundle.json: ${told.join(' ')}`);
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
export function bundleDigest(manifest: Pick<BundleManifest, 'files'>): string {
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
    delivery: deliveryOf(manifest),
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
      ...(defaults.strength !== undefined && { strength: defaults.strength }),
      ...(defaults.flow_shift !== undefined && { flow_shift: defaults.flow_shift }),
    },
    presets: Object.fromEntries(Object.entries(manifest.presets).map(([name, preset]) => [name, presetOf(preset)])),
    hasTwoExperts: manifest.components.transformer_2 !== undefined,
    ...requiresOf(manifest),
    ...(manifest.governance !== undefined && { governance: manifest.governance }),
  };
}

/** A size that can carry no watermark is none that a video of ours has. */
function deliveryOf({ id, limits, delivery }: BundleManifest): NonNullable<ModelCard['delivery']> {
  const of = (size: string) => {
    const [width, height] = size.split('x').map(Number) as [number, number];
    try {
      const file = deliveredSize({ width, height }, { nativeDemanded: delivery === 'native' });
      return { size: `${file.width}x${file.height}`, watermark: file.watermark };
    } catch (cause) {
      const why = cause instanceof RangeError ? cause.message : 'it cannot carry a watermark.';
      throw new ReelayError('bundle_invalid', `${id}: limits.sizes: ${size}: ${why}`, { cause });
    }
  };
  return Object.fromEntries(limits.sizes.map(size => [size, of(size)]));
}

function requiresOf({ requires }: BundleManifest): { readonly requires?: ModelNeeds } {
  const needs = needsOf(requires);
  return needs === undefined ? {} : { requires: needs };
}

/** What bundle.json says that the model needs of a machine; undefined where it says nothing. */
export function needsOf(requires: BundleManifest['requires']): ModelNeeds | undefined {
  if (requires === undefined) return undefined;
  const { provider, memoryBytes } = requires;
  return { ...(provider !== undefined && { provider }), ...(memoryBytes !== undefined && { memoryBytes }) };
}

/** A preset of bundle.json in the API's words. */
function presetOf({ steps, guidance, flow_shift, strength }: BundleManifest['presets'][string]): ModelPreset {
  return {
    ...(steps !== undefined && { num_inference_steps: steps }),
    ...(guidance !== undefined && { guidance_scale: guidance }),
    ...(flow_shift !== undefined && { flow_shift }),
    ...(strength !== undefined && { strength }),
  };
}

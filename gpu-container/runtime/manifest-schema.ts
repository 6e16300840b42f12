/**
 * @file The form of bundle.json, field by field. What fields owe one another (a size that is among the sizes, a file that is
 * listed) is manifest-rules.ts.
 */
import { z } from 'zod';
import { governanceSchema } from '#core/governance/statement.ts';
import { limits } from '#core/limits.ts';
import { FAMILY_NAMES } from './bundle-families.ts';

const text = z.string().min(1);
const line = text.max(200);
const count = z.int().min(1);
const range = z
  .object({ min: count, max: count, step: count.default(1) })
  .refine(r => r.min <= r.max, 'min is above max');

/** A path inside the bundle: plain names joined by "/". A backslash, a drive or ".." would leave the folder on some system. */
const insidePath = text
  .max(255)
  .refine(
    path => /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(path) && !path.split('/').some(part => /^\.+$/.test(part)),
    { error: issue => `got ${shown(issue.input)}; a path inside the bundle is allowed` },
  );

/** ONNX Runtime chooses its parser by the name: of its own format (.ort) nothing could be checked. */
const graphPath = insidePath.refine(path => path.endsWith('.onnx'), {
  error: issue => `got ${shown(issue.input)}; a name that ends in .onnx is allowed`,
});

const size = text.regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, 'expected WIDTHxHEIGHT in pixels');
const guidance = z.number().min(1).max(100);
const graph = z.object({ graph: graphPath });
/** What its weights are kept in, for reports; nothing is decided by it, so a value that is no word is only left out. */
const denoiser = graph.extend({ precision: z.string().min(1).max(20).optional().catch(undefined) });
const tile = z
  .object({ size: count, stride: count })
  .refine(one => one.stride <= one.size, 'the stride is above the size: pixels would be left out');

const vaeDecoder = z.discriminatedUnion('plan', [
  z.object({ plan: z.literal('whole'), graph: graphPath, tile: tile.optional() }),
  z.object({ plan: z.literal('per-frame'), graph: graphPath, tile: tile.optional() }),
  z.object({
    plan: z.literal('streaming'),
    first: graphPath,
    next: graphPath,
    caches: insidePath,
    tile: tile.optional(),
  }),
]);

/** Without a plan it is whole. */
const vaeEncoder = z.preprocess(
  entry => (entry !== null && typeof entry === 'object' && !('plan' in entry) ? { ...entry, plan: 'whole' } : entry),
  z.discriminatedUnion('plan', [
    z.object({ plan: z.literal('whole'), graph: graphPath }),
    z.object({ plan: z.literal('streaming'), first: graphPath, next: graphPath, caches: insidePath }),
  ]),
);

/** What a caller may choose by name instead of by number; a key that is none would be silently without effect. */
const preset = z.strictObject({
  steps: count.optional(),
  guidance: guidance.optional(),
  flow_shift: z.number().positive().max(100).optional(),
  strength: z.number().min(0).max(1).optional(),
});

/** What it needs of a machine. A need that is not known here could not be kept, so it is refused. */
const requires = z.strictObject({
  provider: z.literal('cuda').optional(),
  memoryBytes: count.optional(),
});

/** bundle.json as zod reads it; keys that it does not know are left out, so that an older Reelay reads a newer bundle. */
export const manifestSchema = z.object({
  bundle: z.literal(1),
  /** Also the name of its folder among the added models. */
  id: text
    .max(64)
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
      'letters, digits, dot, dash and underscore are allowed, a letter or digit first',
    ),
  family: z.enum(FAMILY_NAMES),
  tasks: z
    .array(z.enum(['t2v', 'i2v', 'v2v']))
    .min(1)
    .max(3)
    .refine(tasks => new Set(tasks).size === tasks.length, 'a task is listed twice'),
  license: line,
  created: z.int().min(0),
  owned_by: line,
  description: z.string().max(2_000),
  components: z.object({
    text_encoder: graph.extend({ maxTokens: count.max(4096), width: count.max(65_536) }),
    image_encoder: graph.optional(),
    transformer: denoiser.optional(),
    transformer_2: denoiser.optional(),
    unet: denoiser.optional(),
    vae_decoder: vaeDecoder,
    vae_encoder: vaeEncoder.optional(),
  }),
  /** Only reelay-mini: other families compute the latent's shape from their configs. */
  latents: z.object({ channels: count, frames: count, height: count, width: count }).optional(),
  limits: z.object({
    sizes: z.array(size).min(1).max(64),
    frames: range,
    fps: range,
    steps: range,
    guidance: z.object({ min: guidance, max: guidance }).refine(g => g.min <= g.max, 'min is above max'),
    maxPromptChars: count.max(100_000),
  }),
  defaults: z.object({
    size,
    frames: count,
    fps: count,
    steps: count,
    guidance,
    negativePrompt: z.string().max(4_000).default(''),
    strength: z.number().min(0).max(1).optional(),
    flow_shift: z.number().positive().max(100).optional(),
  }),
  presets: z.record(line, preset).default({}),
  requires: requires.optional(),
  /** A clip whose short side is below 256 pixels is enlarged before it is marked, unless its own size is demanded. */
  delivery: z.enum(['enlarged', 'native']).optional(),
  files: z
    .array(
      z.object({
        path: insidePath,
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
      }),
    )
    .min(1)
    .max(limits.maxBundleFiles),
  golden: insidePath.optional(),
  /** What its makers answer for; without it an operator has to (core/governance/gate.ts). */
  governance: governanceSchema.optional(),
});

/** bundle.json, checked. */
export type BundleManifest = z.infer<typeof manifestSchema>;

/** Says what was found beside what is allowed, where zod's own words name only one of them. */
export function explainIssue(issue: {
  code?: string;
  input?: unknown;
  path?: PropertyKey[] | undefined;
  [detail: string]: unknown;
}): string | undefined {
  if (issue.input === undefined) return 'is missing';
  const got = `got ${shown(issue.input)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `${got}; ${issue.expected} is allowed`;
    case 'invalid_value':
      return `${got}; allowed: ${(issue.values as unknown[]).join(', ')}`;
    case 'invalid_union': {
      const { plan } = issue.input as { plan?: unknown }; // there are no other unions
      const plans = issue.path?.includes('vae_encoder') ? 'whole, streaming' : 'whole, per-frame, streaming';
      return plan === undefined ? 'is missing' : `got ${shown(plan)}; allowed: ${plans}`;
    }
    case 'too_big':
      return `${got}; ${issue.maximum} is the most`;
    case 'too_small':
      return `${got}; ${issue.minimum} is the least`;
    default:
      return undefined;
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'an object';
  const json = JSON.stringify(value);
  return json.length > 80 ? `a text of ${String(value).length} characters` : json;
}

/** @file The fields of a request by their form alone; what their values may be is the model's to say. */
import { z } from 'zod';
import type { Problem } from './errors.ts';

/** Fields of the API that exist but that this server cannot serve yet: refused by name, never silently dropped. */
const NOT_OFFERED = new Set([
  ...['boundary_ratio', 'true_cfg_scale', 'generate_sound', 'lora'],
  ...['extra_params', 'audio_reference'],
]);

/** A number, or its decimal text: multipart knows only text. */
const numeric = z
  .union([
    z.number(),
    z
      .string()
      .trim()
      .regex(/^-?\d+(\.\d+)?$/),
  ])
  .transform(Number);

const requestSchema = z.strictObject({
  model: z.string().optional(),
  prompt: z.string(),
  negative_prompt: z.string().optional(),
  size: z.string().optional(),
  width: numeric.optional(),
  height: numeric.optional(),
  seconds: numeric.optional(),
  num_frames: numeric.optional(),
  fps: numeric.optional(),
  num_inference_steps: numeric.optional(),
  guidance_scale: numeric.optional(),
  guidance_scale_2: numeric.optional(),
  flow_shift: numeric.optional(),
  step_cache: numeric.optional(),
  preset: z.string().optional(),
  seed: numeric.optional(),
  strength: numeric.optional(),
  // Their many forms are read by references/read-reference.ts.
  input_reference: z.unknown().optional(),
  image_reference: z.unknown().optional(),
  video_reference: z.unknown().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  priority: z.string().optional(),
  deadline: numeric.optional(),
  webhook_url: z.string().optional(),
  residency: z.string().optional(),
  // A form has no lists: there ids stand with commas between.
  consents: z.union([z.array(z.string()), z.string().transform(text => text.split(','))]).optional(),
  // OpenAI's name for whom a request is made: an end user of the caller.
  user: z.string().optional(),
  // Dollars: a text keeps every digit, a number is read as it prints.
  max_cost: z.union([z.number(), z.string().trim()]).optional(),
  dry_run: z.union([z.boolean(), z.enum(['true', 'false']).transform(text => text === 'true')]).optional(),
});

/** The names of all fields that a request may have. */
export const requestFieldNames: readonly string[] = Object.keys(requestSchema.shape);

/** The fields of a request, each of them well formed. */
export type RawRequest = z.infer<typeof requestSchema>;

/** For messages: what the caller sent, short and quoted, never a whole prompt. */
export function got(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 40 ? `a text of ${value.length} characters` : `"${value}"`;
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}

/** The well-formed fields of an object. Adds a problem for each of the others. */
export function readFields(record: Record<string, unknown>, problems: Problem[]): RawRequest {
  const parsed = requestSchema.safeParse(record);
  if (parsed.success) return parsed.data;
  problems.push(...shapeProblems(parsed.error.issues, record));
  return wellFormedPart(record);
}

function shapeProblems(issues: readonly z.core.$ZodIssue[], record: Record<string, unknown>): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => {
        const path = key.length > 64 ? `${key.slice(0, 64)}…` : key;
        return NOT_OFFERED.has(key)
          ? { path, message: `${path}: this field is not offered by this server or model; leave it out.` }
          : { path, message: `${path}: unknown field; known fields: ${requestFieldNames.join(', ')}.` };
      });
    const [field, ...rest] = issue.path.map(String);
    const path = rest.reduce((text, key) => `${text}[${key}]`, field ?? 'body');
    const value = rest.length === 0 ? record[field ?? ''] : undefined;
    const allowed = field === 'prompt' ? 'a text' : field === 'metadata' ? 'an object of texts' : expectedOf(field);
    return [{ path, message: `${path}: expected ${allowed}, got ${rest.length > 0 ? 'something else' : got(value)}.` }];
  });
}

function expectedOf(field: string | undefined): string {
  const texts = ['model', 'size', 'negative_prompt', 'preset', 'priority', 'webhook_url', 'residency', 'user'];
  if (field === 'consents') return 'a list of ids of consent records';
  if (field === 'max_cost') return 'dollars';
  if (field === 'dry_run') return 'true or false';
  return field !== undefined && texts.includes(field) ? 'a text' : 'a number';
}

/** The fields that are well formed one by one, so that their limits are reported together with the malformed ones. */
function wellFormedPart(record: Record<string, unknown>): RawRequest {
  const kept: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(requestSchema.shape)) {
    const one = schema.safeParse(record[key]);
    if (one.success && one.data !== undefined) kept[key] = one.data;
  }
  return kept as RawRequest;
}

import { z } from 'zod';
import { invalidRequest, type Problem, ReelayError } from './errors.ts';
import { type Priority, priorities } from './job.ts';
import { limits } from './limits.ts';
import {
  describeRange,
  framesForSeconds,
  inRange,
  type ModelCard,
  type ModelCatalog,
  offeredSeconds,
  type Task,
} from './models.ts';

/**
 * A request with every default filled in: what the worker renders, word for word. Field names are those of the wire.
 */
export interface VideoRequest {
  readonly model: string;
  readonly prompt: string;
  readonly negative_prompt: string;
  /** "WIDTHxHEIGHT", pixels. */
  readonly size: string;
  /** num_frames / fps. */
  readonly seconds: number;
  readonly num_frames: number;
  readonly fps: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  /** 0 .. 2^32-1. */
  readonly seed: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the reference makes of the request: without one it is t2v, with an image i2v, with a video v2v. */
  readonly task: Task;
  /** How far v2v goes from the reference, 0 to 1; null for the other tasks. */
  readonly strength: number | null;
  /** The image or video to start from; null for t2v. */
  readonly reference: Reference | null;
}

/** A reference as it lies in the blob store. */
export interface Reference {
  readonly key: string;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** What the bytes are, not what their sender said. */
  readonly contentType: string;
}

/** A whole submission: what to render, and what its sender asks of the queue. */
export interface Submission {
  readonly request: VideoRequest;
  readonly priority: Priority;
  readonly deadlineAtMs: number | null;
  readonly webhookUrl: string | null;
}

/** What parsing needs beside the models. */
export interface ParseOptions {
  /** Used when the input names none. */
  readonly seed: number;
  /** null: the time and the operator's rules are not looked at, only whether the request is well formed. */
  readonly nowMs: number | null;
  /** What is wrong with a webhook URL, in words; undefined: nothing. */
  readonly checkUrl: (url: string) => string | undefined;
}

/** Fields of the API that exist but that this server cannot serve yet: refused by name, never silently dropped. */
const NOT_OFFERED = new Set([
  ...[
    'input_reference',
    'guidance_scale_2',
    'boundary_ratio',
    'flow_shift',
    'true_cfg_scale',
    'generate_sound',
    'lora',
  ],
  ...['extra_params', 'image_reference', 'video_reference', 'audio_reference'],
  ...['max_cost', 'residency', 'dry_run'],
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
  seed: numeric.optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  priority: z.string().optional(),
  deadline: numeric.optional(),
  webhook_url: z.string().optional(),
});

type RawRequest = z.infer<typeof requestSchema>;

/** For messages: what the caller sent, short and quoted, never a whole prompt. */
function got(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 40 ? `a text of ${value.length} characters` : `"${value}"`;
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}

/**
 * Any input to a Submission, or one `invalid_request` error with every problem found (`model_not_found` when only the model is unknown).
 */
export function parseSubmission(input: unknown, catalog: ModelCatalog, options: ParseOptions): Submission {
  if (input === null || typeof input !== 'object' || Array.isArray(input))
    throw invalidRequest([{ path: 'body', message: `body: expected an object with a "prompt", got ${got(input)}.` }]);
  const record = input as Record<string, unknown>;
  const problems: Problem[] = [];
  const parsed = requestSchema.safeParse(record);
  if (!parsed.success) problems.push(...shapeProblems(parsed.error.issues, record));
  const raw = parsed.success ? parsed.data : wellFormedPart(record);
  const card = findModel(raw.model, catalog);
  if (card === undefined) {
    const known = catalog.map(c => c.id).join(', ');
    problems.push({ path: 'model', message: `model: got ${got(raw.model)}; this server offers: ${known}.` });
    throw invalidRequest(problems, problems.length === 1 ? 'model_not_found' : 'invalid_request');
  }
  const request = resolve(raw, card, options.seed, problems);
  const terms = resolveTerms(raw, options, problems);
  if (problems.length > 0 || request === undefined) throw invalidRequest(problems);
  return { request, ...terms };
}

/** Deadlines further away than this are a mistake in the unit: milliseconds for seconds. */
const MAX_DEADLINE_DAYS = 366;

function resolveTerms(raw: RawRequest, options: ParseOptions, problems: Problem[]): Omit<Submission, 'request'> {
  const complain = (path: string, message: string) => void problems.push({ path, message: `${path}: ${message}` });
  const priority = priorities.find(p => p === (raw.priority ?? 'normal'));
  if (priority === undefined) complain('priority', `got ${got(raw.priority)}; ${priorities.join(', ')} are allowed.`);
  const nowSeconds = Math.floor((options.nowMs ?? 0) / 1000);
  const { deadline } = raw;
  if (
    options.nowMs !== null &&
    deadline !== undefined &&
    (deadline <= nowSeconds || deadline > nowSeconds + MAX_DEADLINE_DAYS * 86_400)
  )
    complain(
      'deadline',
      `got ${deadline}; Unix seconds after now (${nowSeconds}), at most ${MAX_DEADLINE_DAYS} days ahead, are allowed.`,
    );
  const wrong = raw.webhook_url === undefined ? undefined : options.checkUrl(raw.webhook_url);
  if (wrong !== undefined) problems.push({ path: 'webhook_url', message: `webhook_url: ${wrong}` });
  return {
    priority: priority ?? 'normal',
    deadlineAtMs: deadline === undefined ? null : Math.floor(deadline * 1000),
    webhookUrl: raw.webhook_url ?? null,
  };
}

function findModel(name: string | undefined, catalog: ModelCatalog): ModelCard | undefined {
  if (catalog.length === 0) throw new ReelayError('model_not_found', 'model: this server has no model loaded.');
  return name === undefined || name === '' ? catalog[0] : catalog.find(card => card.id === name);
}

function shapeProblems(issues: readonly z.core.$ZodIssue[], record: Record<string, unknown>): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => {
        const path = key.length > 64 ? `${key.slice(0, 64)}…` : key;
        return NOT_OFFERED.has(key)
          ? { path, message: `${path}: this field is not offered by this server or model; leave it out.` }
          : { path, message: `${path}: unknown field; known fields: ${Object.keys(requestSchema.shape).join(', ')}.` };
      });
    const [field, ...rest] = issue.path.map(String);
    const path = rest.reduce((text, key) => `${text}[${key}]`, field ?? 'body');
    const value = rest.length === 0 ? record[field ?? ''] : undefined;
    const allowed = field === 'prompt' ? 'a text' : field === 'metadata' ? 'an object of texts' : expectedOf(field);
    return [{ path, message: `${path}: expected ${allowed}, got ${rest.length > 0 ? 'something else' : got(value)}.` }];
  });
}

function expectedOf(field: string | undefined): string {
  const texts = ['model', 'size', 'negative_prompt', 'priority', 'webhook_url'];
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

function resolve(raw: RawRequest, card: ModelCard, seed: number, problems: Problem[]): VideoRequest | undefined {
  const complain = (path: string, message: string) => void problems.push({ path, message: `${path}: ${message}` });
  checkTexts(raw, card, complain);
  const size = resolveSize(raw, card, complain);
  const timing = resolveTiming(raw, card, complain);
  const steps = raw.num_inference_steps ?? card.defaults.num_inference_steps;
  if (!inRange(card.num_inference_steps, steps))
    complain('num_inference_steps', `got ${steps}; ${card.id} takes ${describeRange(card.num_inference_steps)}.`);
  const guidance = raw.guidance_scale ?? card.defaults.guidance_scale;
  if (guidance < card.guidance_scale.min || guidance > card.guidance_scale.max)
    complain(
      'guidance_scale',
      `got ${guidance}; ${card.id} takes ${card.guidance_scale.min} to ${card.guidance_scale.max}.`,
    );
  const used = raw.seed ?? seed;
  if (!Number.isInteger(used) || used < 0 || used > 0xffffffff)
    complain('seed', `got ${used}; a whole number from 0 to 4294967295 is allowed.`);
  if (problems.length > 0 || timing === undefined || raw.prompt === undefined) return undefined;
  return {
    model: card.id,
    prompt: raw.prompt,
    negative_prompt: raw.negative_prompt ?? card.defaults.negative_prompt,
    size,
    seconds: timing.frames / timing.fps,
    num_frames: timing.frames,
    fps: timing.fps,
    num_inference_steps: steps,
    guidance_scale: guidance,
    seed: used,
    metadata: raw.metadata ?? {},
    task: 't2v',
    strength: null,
    reference: null,
  };
}

type Complain = (path: string, message: string) => void;

function checkTexts(raw: RawRequest, card: ModelCard, complain: Complain): void {
  const tooLong = (text: string) => `got ${text.length} characters; ${card.id} takes at most ${card.maxPromptChars}.`;
  if (raw.prompt !== undefined) {
    if (raw.prompt.trim() === '') complain('prompt', 'got an empty text; say what the video should show.');
    if (raw.prompt.length > card.maxPromptChars) complain('prompt', tooLong(raw.prompt));
  }
  if (raw.negative_prompt !== undefined && raw.negative_prompt.length > card.maxPromptChars)
    complain('negative_prompt', tooLong(raw.negative_prompt));
  const entries = Object.entries(raw.metadata ?? {});
  if (entries.length > limits.maxMetadataEntries)
    complain('metadata', `got ${entries.length} entries; at most ${limits.maxMetadataEntries} are allowed.`);
  for (const [key, value] of entries)
    if (key.length > limits.maxMetadataKeyChars || value.length > limits.maxMetadataValueChars)
      complain(
        `metadata[${key.slice(0, limits.maxMetadataKeyChars)}]`,
        `keys may have ${limits.maxMetadataKeyChars} characters and values ${limits.maxMetadataValueChars}.`,
      );
}

function resolveSize(raw: RawRequest, card: ModelCard, complain: Complain): string {
  const sizes = card.sizes.join(', ');
  if (raw.size !== undefined && !card.sizes.includes(raw.size))
    complain('size', `got ${got(raw.size)}; ${card.id} makes ${sizes}.`);
  const [width, height] = (raw.size ?? card.defaults.size).split('x').map(Number);
  const pair = `${raw.width ?? width}x${raw.height ?? height}`;
  if (raw.width === undefined && raw.height === undefined) return raw.size ?? card.defaults.size;
  const field = raw.width === undefined ? 'height' : 'width';
  if (raw.size !== undefined && pair !== raw.size)
    complain(field, `width and height say ${pair} but size says ${got(raw.size)}; send one or make them agree.`);
  else if (raw.size === undefined && !card.sizes.includes(pair))
    complain(field, `got ${pair}; ${card.id} makes ${sizes}.`);
  return pair;
}

function resolveTiming(
  raw: RawRequest,
  card: ModelCard,
  complain: Complain,
): { frames: number; fps: number } | undefined {
  if (raw.fps !== undefined && !inRange(card.fps, raw.fps)) {
    complain('fps', `got ${raw.fps}; ${card.id} takes ${describeRange(card.fps)}.`);
    return undefined;
  }
  if (raw.num_frames !== undefined && !inRange(card.frames, raw.num_frames)) {
    complain('num_frames', `got ${raw.num_frames}; ${card.id} makes ${describeRange(card.frames)} frames.`);
    return undefined;
  }
  if (raw.seconds === undefined)
    return { frames: raw.num_frames ?? card.defaults.frames, fps: raw.fps ?? card.defaults.fps };
  if (raw.num_frames !== undefined) {
    const fps = raw.fps ?? raw.num_frames / raw.seconds;
    if (Math.abs(raw.num_frames / fps - raw.seconds) < 1e-6 && inRange(card.fps, fps))
      return { frames: raw.num_frames, fps };
    complain('seconds', `got ${raw.seconds}, which disagrees with num_frames ${raw.num_frames}; send one of them.`);
    return undefined;
  }
  const found = framesForSeconds(card, raw.seconds, raw.fps);
  if (found === undefined) {
    const at = raw.fps === undefined ? '' : ` at ${raw.fps} fps`;
    complain('seconds', `got ${raw.seconds}${at}; ${card.id} makes ${offeredSeconds(card).join(', ')} seconds.`);
  }
  return found;
}

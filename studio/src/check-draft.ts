import type { VideoModel } from './api.ts';

/** Fields of the form, from its top to its end, by their name on the wire; `form` is for what belongs to none. */
export const fields = [
  'prompt',
  'model',
  'input_reference',
  'strength',
  'seconds',
  'size',
  'preset',
  'seed',
  'num_inference_steps',
  'guidance_scale',
  'guidance_scale_2',
  'flow_shift',
] as const;
export type Field = (typeof fields)[number];
export type Problems = Readonly<{ [field in Field | 'form']?: string | undefined }>;

/** The typed texts; '' stands for the model's default, or for a random seed. */
export interface Draft {
  readonly prompt: string;
  readonly seed: string;
  readonly steps: string;
  readonly guidance: string;
  readonly guidance2: string;
  readonly flowShift: string;
  /** Bytes of the file to start from. */
  readonly fileBytes: number | undefined;
}

export const MAX_SEED = 4_294_967_295;
/** What one request can carry: docs/api.md. The server would hang up on a video of a gigabyte, without a word that a page can read. */
export const MAX_FILE_BYTES = 7_000_000;
const MAX_FLOW_SHIFT = 100;

export type FileKind = 'image' | 'video';

/** What a model can start from. */
export function kindsTaken({ tasks }: Pick<VideoModel, 'tasks'>): readonly FileKind[] {
  return [
    ...(tasks.includes('i2v') ? (['image'] as const) : []),
    ...(tasks.includes('v2v') ? (['video'] as const) : []),
  ];
}

/** "an image", "an image or a video". */
export function kindsText(kinds: readonly FileKind[]): string {
  return kinds.map(kind => (kind === 'image' ? 'an image' : 'a video')).join(' or ');
}

/** Whether a model makes nothing from words alone. */
export function needsFile({ tasks }: Pick<VideoModel, 'tasks'>): boolean {
  return !tasks.includes('t2v');
}

/** What can be said before the server is asked, each where it belongs. */
export function checkDraft(draft: Draft, model: VideoModel): Problems {
  const problems: Partial<Record<Field, string>> = {};
  const { max_prompt_chars: most, num_inference_steps: steps, guidance_scale: guidance } = model;
  if (draft.prompt.trim() === '') problems.prompt = 'Say what the video should show.';
  else if (draft.prompt.length > most)
    problems.prompt = `This is ${draft.prompt.length} characters long; ${model.id} reads at most ${most}.`;
  const file = fileProblem(draft.fileBytes, model);
  if (file !== undefined) problems.input_reference = file;
  if (!isBlankOr(draft.seed, /^\d+$/, 0, MAX_SEED))
    problems.seed = `Use a whole number from 0 to ${MAX_SEED}, or leave it blank for a random one.`;
  if (!isBlankOr(draft.steps, /^\d+$/, steps.min, steps.max))
    problems.num_inference_steps = `Use a whole number from ${steps.min} to ${steps.max}.`;
  const range = `Use a number from ${guidance.min} to ${guidance.max}.`;
  if (!isBlankOr(draft.guidance, DECIMAL, guidance.min, guidance.max)) problems.guidance_scale = range;
  if (model.has_two_experts && !isBlankOr(draft.guidance2, DECIMAL, guidance.min, guidance.max))
    problems.guidance_scale_2 = range;
  if (model.defaults.flow_shift !== undefined && !isBlankOr(draft.flowShift, DECIMAL, Number.MIN_VALUE, MAX_FLOW_SHIFT))
    problems.flow_shift = `Use a number above 0, at most ${MAX_FLOW_SHIFT}.`;
  return problems;
}

const DECIMAL = /^\d+(\.\d+)?$/;

function isBlankOr(text: string, shape: RegExp, min: number, max: number): boolean {
  const trimmed = text.trim();
  return trimmed === '' || (shape.test(trimmed) && Number(trimmed) >= min && Number(trimmed) <= max);
}

function fileProblem(bytes: number | undefined, model: VideoModel): string | undefined {
  if (bytes === undefined) {
    const kinds = kindsText(kindsTaken(model));
    return needsFile(model) ? `Choose ${kinds}: ${model.id} makes no video without one.` : undefined;
  }
  if (bytes === 0) return 'This file is empty.';
  if (bytes <= MAX_FILE_BYTES) return undefined;
  return `This file has ${(bytes / 1e6).toFixed(1)} MB; at most ${MAX_FILE_BYTES / 1e6} MB can be sent.`;
}

/** The server's message holds one sentence a problem, each opened by its field: "seed: got 7.5; … size: got …". */
export function problemsFrom(message: string, param: string | null): Problems {
  const problems: Partial<Record<Field | 'form', string>> = {};
  const parts = message.split(new RegExp(`(?:^|\\s)(${fields.join('|')}): `));
  for (let i = 1; i + 1 < parts.length; i += 2) problems[parts[i] as Field] ??= sentence(parts[i + 1] ?? '');
  if (Object.keys(problems).length > 0) return problems;
  return isField(param) ? { [param]: message } : { form: message };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function isField(name: string | null): name is Field {
  return (fields as readonly (string | null)[]).includes(name);
}

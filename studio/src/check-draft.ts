import type { VideoModel } from './api.ts';

/** Fields of the form by their name on the wire; `form` is for what belongs to none. */
export const fields = ['prompt', 'model', 'size', 'seconds', 'seed', 'num_inference_steps', 'guidance_scale'] as const;
export type Field = (typeof fields)[number];
export type Problems = Readonly<{ [field in Field | 'form']?: string | undefined }>;

/** The typed texts; '' stands for the model's default, or for a random seed. */
export interface Draft {
  readonly prompt: string;
  readonly seed: string;
  readonly steps: string;
  readonly guidance: string;
}

export const MAX_SEED = 4_294_967_295;

/** What can be said before the server is asked, each where it belongs. */
export function checkDraft(draft: Draft, model: VideoModel): Problems {
  const problems: Partial<Record<Field, string>> = {};
  const { max_prompt_chars: most, num_inference_steps: steps, guidance_scale: guidance } = model;
  if (draft.prompt.trim() === '') problems.prompt = 'Say what the video should show.';
  else if (draft.prompt.length > most)
    problems.prompt = `This is ${draft.prompt.length} characters long; ${model.id} reads at most ${most}.`;
  if (!isBlankOr(draft.seed, /^\d+$/, 0, MAX_SEED))
    problems.seed = `Use a whole number from 0 to ${MAX_SEED}, or leave it blank for a random one.`;
  if (!isBlankOr(draft.steps, /^\d+$/, steps.min, steps.max))
    problems.num_inference_steps = `Use a whole number from ${steps.min} to ${steps.max}.`;
  if (!isBlankOr(draft.guidance, /^\d+(\.\d+)?$/, guidance.min, guidance.max))
    problems.guidance_scale = `Use a number from ${guidance.min} to ${guidance.max}.`;
  return problems;
}

function isBlankOr(text: string, shape: RegExp, min: number, max: number): boolean {
  const trimmed = text.trim();
  return trimmed === '' || (shape.test(trimmed) && Number(trimmed) >= min && Number(trimmed) <= max);
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

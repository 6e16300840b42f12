/** @file What is being written: the form's texts, its problems, and the way from there to a queued video. */
import { batch, computed, signal } from '@preact/signals';
import { ApiError, createVideo, type Video } from './api.ts';
import { checkDraft, type Field, fields, type Problems, problemsFrom } from './check-draft.ts';
import { connection, models, reached, report } from './connection.ts';
import { show } from './show.ts';
import { takeVideos } from './videos.ts';

export const prompt = signal('');
export const modelId = signal('');
export const size = signal('');
export const seconds = signal('');
export const seed = signal('');
export const steps = signal('');
export const guidance = signal('');
export const advancedOpen = signal(false);
export const problems = signal<Problems>({});
export const sending = signal(false);

export const model = computed(() => models.value.find(card => card.id === modelId.value) ?? models.value[0]);

/** The chosen value if this model has it, else its default. */
export const chosenSize = computed(() => {
  const card = model.value;
  return card?.sizes.includes(size.value) ? size.value : (card?.defaults.size ?? '');
});
const defaultSeconds = computed(() => {
  const card = model.value;
  return card === undefined ? '' : String(Math.round((100 * card.defaults.frames) / card.defaults.fps) / 100);
});
/** Models whose frame count is 4n + 1 have no whole seconds; their default length is always offered. */
export const secondsOffered = computed(() =>
  [...new Set([...(model.value?.seconds ?? []), defaultSeconds.value])].sort((a, b) => Number(a) - Number(b)),
);
export const chosenSeconds = computed(() =>
  secondsOffered.value.includes(seconds.value) ? seconds.value : defaultSeconds.value,
);

/** Asks for the video that the form describes; problems go to their fields, and the first of those gets the focus. */
export async function generate(): Promise<void> {
  const card = model.value;
  if (sending.value) return;
  if (card === undefined) {
    const why =
      connection.value === 'connected' ? 'This server has no model installed.' : 'The server does not answer.';
    return complain({ form: `${why} Your prompt is kept.` });
  }
  const texts = { prompt: prompt.value, seed: seed.value, steps: steps.value, guidance: guidance.value };
  const found = checkDraft(texts, card);
  if (Object.keys(found).length > 0) return complain(found);
  await send({
    prompt: prompt.value,
    model: card.id,
    size: chosenSize.value,
    seconds: chosenSeconds.value,
    ...number('seed', seed.value),
    ...number('num_inference_steps', steps.value),
    ...number('guidance_scale', guidance.value),
  });
}

/** Asks for the same video once more, with another seed; what is being written in the form stays. */
export async function again(video: Video): Promise<void> {
  if (sending.value) return;
  const { prompt, model, size, num_frames, fps, num_inference_steps, guidance_scale, negative_prompt } = video;
  await send({ prompt, model, size, num_frames, fps, num_inference_steps, guidance_scale, negative_prompt });
}

async function send(request: Readonly<Record<string, string | number>>): Promise<void> {
  sending.value = true;
  problems.value = {};
  try {
    const video = await createVideo(request);
    reached();
    batch(() => {
      takeVideos([video]);
      show(video.id);
    });
  } catch (error) {
    refuse(error);
  } finally {
    sending.value = false;
  }
}

function number(name: string, text: string): Record<string, number> {
  return text.trim() === '' ? {} : { [name]: Number(text) };
}

function refuse(error: unknown): void {
  if (error instanceof ApiError && error.code !== 'unreachable') {
    complain(problemsFrom(error.message, error.param));
    return;
  }
  report(error);
  complain({ form: 'The server does not answer. Your prompt is kept; press Generate to try again.' });
}

/** A field that is being corrected is no longer complained about. */
export function settle(field: Field): void {
  problems.value = { ...problems.value, [field]: undefined, form: undefined };
}

function complain(found: Problems): void {
  problems.value = found;
  if (found.num_inference_steps ?? found.guidance_scale) advancedOpen.value = true;
  const first = fields.find(field => found[field] !== undefined);
  // After the render that shows the message, so that the field is described by it when it is announced.
  if (first !== undefined) requestAnimationFrame(() => document.getElementById(first)?.focus());
}

/** A seed means little away from its prompt: into an empty form both go, else the seed alone. */
export function takeSeed(video: Video): void {
  if (prompt.value.trim() === '') reuse(video);
  seed.value = String(video.seed);
}

/** Fills the form with what made a video, except its seed: made again, it comes out differently. */
export function reuse(video: Video): void {
  batch(() => {
    prompt.value = video.prompt;
    modelId.value = video.model;
    size.value = video.size;
    seconds.value = video.seconds;
    const usual = model.value?.defaults;
    steps.value = unless(video.num_inference_steps, usual?.num_inference_steps);
    guidance.value = unless(video.guidance_scale, usual?.guidance_scale);
    seed.value = '';
    problems.value = {};
  });
}

/** Blank for the default: a form that says only what was chosen. */
function unless(value: number, usual: number | undefined): string {
  return value === usual ? '' : String(value);
}

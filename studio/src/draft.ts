/** @file The way from what is written in the form to a queued video. */
import { batch, signal } from '@preact/signals';
import { ApiError, createVideo, type Video, type VideoRequest } from './api.ts';
import { checkDraft, fields, type Problems, problemsFrom } from './check-draft.ts';
import { connection, reached, report } from './connection.ts';
import * as form from './form.ts';
import { show } from './show.ts';
import { rememberedFile, rememberFile } from './start-file.ts';
import { takeVideos } from './videos.ts';

export const sending = signal(false);

/** Asks for the video that the form describes; problems go to their fields, and the first of those gets the focus. */
export async function generate(): Promise<void> {
  const card = form.model.value;
  if (sending.value) return;
  if (card === undefined) {
    const why =
      connection.value === 'connected' ? 'This server has no model installed.' : 'The server does not answer.';
    return complain({ form: `${why} Your prompt is kept.` });
  }
  const file = form.chosenFile.value?.file;
  const texts = {
    prompt: form.prompt.value,
    seed: form.seed.value,
    steps: form.steps.value,
    guidance: form.guidance.value,
    guidance2: form.guidance2.value,
    flowShift: form.flowShift.value,
  };
  const found = checkDraft({ ...texts, fileBytes: file?.size }, card);
  if (Object.keys(found).length > 0) return complain(found);
  const request = {
    prompt: texts.prompt,
    model: card.id,
    size: form.chosenSize.value,
    seconds: form.chosenSeconds.value,
    ...(form.chosenPreset.value === '' ? {} : { preset: form.chosenPreset.value }),
    ...number('seed', texts.seed),
    ...number('num_inference_steps', texts.steps),
    ...number('guidance_scale', texts.guidance),
    ...(card.has_two_experts ? number('guidance_scale_2', texts.guidance2) : {}),
    ...(card.defaults.flow_shift === undefined ? {} : number('flow_shift', texts.flowShift)),
    ...(form.hasStrength.value ? number('strength', form.strength.value) : {}),
  };
  await send(request, file);
}

/** Settings that a video has or has not. */
const OPTIONAL = ['guidance_scale_2', 'flow_shift', 'step_cache', 'strength'] as const;

/** Asks for the same video once more, with another seed; what is being written in the form stays. */
export async function again(video: Video): Promise<void> {
  if (sending.value) return;
  const file = rememberedFile(video.id);
  if (video.reference !== null && file === undefined) {
    form.reuse(video); // says that the file is missing
    return complain(form.problems.value);
  }
  const { prompt, model, size, num_frames, fps, num_inference_steps, guidance_scale, negative_prompt } = video;
  const settings = { num_frames, fps, num_inference_steps, guidance_scale, negative_prompt };
  const optional = OPTIONAL.flatMap(name => (video[name] === null ? [] : [[name, video[name]] as const]));
  await send({ prompt, model, size, ...settings, ...Object.fromEntries(optional) }, file);
}

async function send(request: VideoRequest, file: File | undefined): Promise<void> {
  sending.value = true;
  form.problems.value = {};
  try {
    // Its bytes alone: a type by the file's name could be wrong, and the server looks for itself.
    const bytes = file && new Blob([await file.arrayBuffer()]);
    const video = await createVideo(request, bytes);
    reached();
    if (file !== undefined) rememberFile(video.id, file);
    batch(() => {
      takeVideos([video]);
      show(video.id);
    });
  } catch (error) {
    complain(problemsOf(error, file !== undefined));
  } finally {
    sending.value = false;
  }
}

function number(name: string, text: string): Record<string, number> {
  return text.trim() === '' ? {} : { [name]: Number(text) };
}

function problemsOf(error: unknown, hasFile: boolean): Problems {
  if (error instanceof DOMException)
    return { input_reference: 'This file cannot be read any more. It may have been moved; choose it again.' };
  if (error instanceof ApiError && error.status === 401) {
    report(error);
    return { form: 'The server does not know this key any more. Your prompt is kept.' };
  }
  if (error instanceof ApiError && error.code !== 'unreachable') {
    const isFile = error.status === 413 && hasFile;
    return isFile ? { input_reference: error.message } : problemsFrom(error.message, error.param);
  }
  report(error);
  return { form: 'The server does not answer. Your prompt is kept; press Generate to try again.' };
}

function complain(found: Problems): void {
  form.problems.value = found;
  const { num_inference_steps, guidance_scale, guidance_scale_2, flow_shift } = found;
  if (num_inference_steps ?? guidance_scale ?? guidance_scale_2 ?? flow_shift) form.advancedOpen.value = true;
  // After the render that shows the message, so that the field is described by it when it is announced.
  requestAnimationFrame(() => {
    const told = fields.filter(field => found[field] !== undefined);
    const shown = told.filter(field => document.getElementById(`${field}-problem`) !== null);
    const elsewhere = told.filter(field => !shown.includes(field)).map(field => `${field}: ${found[field]}`);
    // An earlier video may have what this form does not ask for, such as a model that is gone.
    if (elsewhere.length > 0) form.problems.value = { ...found, form: elsewhere.join(' ') };
    if (shown[0] !== undefined) document.getElementById(shown[0])?.focus();
  });
}

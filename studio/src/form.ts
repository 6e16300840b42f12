/** @file What is being written: the form's texts and choices, and what of them the chosen model has. */
import { batch, computed, signal } from '@preact/signals';
import type { Sampling, Video } from './api.ts';
import { type Field, kindsTaken, type Problems } from './check-draft.ts';
import { models } from './connection.ts';
import { rememberedFile, startFile, takeFile } from './start-file.ts';

export const prompt = signal('');
export const modelId = signal('');
export const size = signal('');
export const seconds = signal('');
export const seed = signal('');
export const preset = signal('');
export const steps = signal('');
export const guidance = signal('');
export const guidance2 = signal('');
export const flowShift = signal('');
export const strength = signal('');
export const advancedOpen = signal(false);
export const problems = signal<Problems>({});

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
/** '' for none. */
export const chosenPreset = computed(() =>
  Object.hasOwn(model.value?.presets ?? {}, preset.value) ? preset.value : '',
);
/** What a blank field stands for. */
export const usual = computed<Partial<Sampling>>(() => ({
  ...model.value?.defaults,
  ...model.value?.presets[chosenPreset.value],
}));
/** The file to start from, as long as the model takes any. */
export const chosenFile = computed(() => {
  const card = model.value;
  return card !== undefined && kindsTaken(card).length > 0 ? startFile.value : undefined;
});
/** Only what starts from a video goes more or less far from it. */
export const hasStrength = computed(
  () => chosenFile.value?.kind === 'video' && model.value?.tasks.includes('v2v') === true,
);

/** A field that is being corrected is no longer complained about; another model has other limits for all. */
export function settle(field: Field): void {
  problems.value = field === 'model' ? {} : { ...problems.value, [field]: undefined, form: undefined };
}

/** A seed means little away from its prompt: into an empty form both go, else the seed alone. */
export function takeSeed(video: Video): void {
  if (prompt.value.trim() === '') reuse(video);
  seed.value = String(video.seed);
}

/** Fills the form with what made a video, except its seed: made again, it comes out differently. */
export function reuse(video: Video): void {
  const file = rememberedFile(video.id);
  batch(() => {
    prompt.value = video.prompt;
    modelId.value = video.model;
    size.value = video.size;
    seconds.value = video.seconds;
    preset.value = '';
    const { num_inference_steps, guidance_scale, flow_shift, strength: usualStrength } = usual.value;
    steps.value = unless(video.num_inference_steps, num_inference_steps);
    guidance.value = unless(video.guidance_scale, guidance_scale);
    guidance2.value = unless(video.guidance_scale_2, null);
    flowShift.value = unless(video.flow_shift, flow_shift);
    strength.value = unless(video.strength, usualStrength);
    seed.value = '';
    takeFile(file);
    problems.value = video.reference === null || file !== undefined ? {} : { input_reference: chooseAgain(video) };
  });
}

function chooseAgain({ task }: Video): string {
  return `Choose the ${task === 'i2v' ? 'image' : 'video'} again: this page does not have it any more.`;
}

/** Blank for the default: a form that says only what was chosen. */
function unless(value: number | null, usual: number | null | undefined): string {
  return value === null || value === usual ? '' : String(value);
}

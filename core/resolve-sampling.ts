/** @file How a request is sampled: its own numbers, else its preset's, else the model's. */
import { describeRange, inRange, type ModelCard, type ModelPreset } from './models.ts';
import { got, type RawRequest } from './request-fields.ts';
import type { Complain } from './resolve-request.ts';
import type { VideoRequest } from './video-request.ts';

/** The fields of a request that only the sampler reads. */
export type SamplingSettings = Pick<
  VideoRequest,
  'num_inference_steps' | 'guidance_scale' | 'guidance_scale_2' | 'flow_shift' | 'step_cache'
>;

/** More skipped change than this leaves no picture. */
const MAX_STEP_CACHE = 1;
const MAX_FLOW_SHIFT = 100;

/** Settings within the model's limits; what is not is told to `complain`. */
export function resolveSampling(
  raw: RawRequest,
  card: ModelCard,
  complain: Complain,
): { readonly settings: SamplingSettings; readonly preset: ModelPreset } {
  const preset = presetOf(raw, card, complain);
  const steps = raw.num_inference_steps ?? preset.num_inference_steps ?? card.defaults.num_inference_steps;
  if (!inRange(card.num_inference_steps, steps))
    complain('num_inference_steps', `got ${steps}; ${card.id} takes ${describeRange(card.num_inference_steps)}.`);
  const guidance = raw.guidance_scale ?? preset.guidance_scale ?? card.defaults.guidance_scale;
  checkGuidance('guidance_scale', guidance, card, complain);
  if (raw.guidance_scale_2 !== undefined) {
    if (card.hasTwoExperts) checkGuidance('guidance_scale_2', raw.guidance_scale_2, card, complain);
    else complain('guidance_scale_2', `${card.id} has one network for all steps; leave it out.`);
  }
  return {
    preset,
    settings: {
      num_inference_steps: steps,
      guidance_scale: guidance,
      guidance_scale_2: raw.guidance_scale_2 ?? null,
      flow_shift: resolveFlowShift(raw, preset, card, complain),
      step_cache: resolveStepCache(raw, complain),
    },
  };
}

function presetOf(raw: RawRequest, card: ModelCard, complain: Complain): ModelPreset {
  if (raw.preset === undefined) return {};
  const preset = Object.hasOwn(card.presets, raw.preset) ? card.presets[raw.preset] : undefined;
  const names = Object.keys(card.presets);
  if (preset === undefined)
    complain('preset', `got ${got(raw.preset)}; ${card.id} has ${names.length > 0 ? names.join(', ') : 'none'}.`);
  return preset ?? {};
}

function checkGuidance(path: string, value: number, card: ModelCard, complain: Complain): void {
  const { min, max } = card.guidance_scale;
  if (value < min || value > max) complain(path, `got ${value}; ${card.id} takes ${min} to ${max}.`);
}

function resolveFlowShift(raw: RawRequest, preset: ModelPreset, card: ModelCard, complain: Complain): number | null {
  const { flow_shift: usual } = card.defaults;
  if (raw.flow_shift !== undefined && usual === undefined)
    complain('flow_shift', `the schedule of ${card.id} has none to change; leave it out.`);
  else if (raw.flow_shift !== undefined && !(raw.flow_shift > 0 && raw.flow_shift <= MAX_FLOW_SHIFT))
    complain('flow_shift', `got ${raw.flow_shift}; above 0 and at most ${MAX_FLOW_SHIFT} is allowed.`);
  return raw.flow_shift ?? preset.flow_shift ?? usual ?? null;
}

function resolveStepCache({ step_cache: wish }: RawRequest, complain: Complain): number | null {
  if (wish === undefined) return null;
  if (!(wish >= 0 && wish <= MAX_STEP_CACHE))
    complain('step_cache', `got ${wish}; 0 (skip no run) to ${MAX_STEP_CACHE} is allowed.`);
  return wish === 0 ? null : wish;
}

import type { ModelCard } from '#core/models.ts';

/** A model whose limits are small enough to see at a glance. */
export const CARD: ModelCard = {
  id: 'mini',
  created: 1_795_219_200,
  owned_by: 'reelay',
  license: 'Apache-2.0',
  description: 'for tests',
  digest: 'd'.repeat(64),
  tasks: ['t2v'],
  sizes: ['256x256', '128x256'],
  frames: { min: 16, max: 16, step: 1 },
  fps: { min: 4, max: 16, step: 1 },
  num_inference_steps: { min: 1, max: 50, step: 1 },
  guidance_scale: { min: 1, max: 10 },
  maxPromptChars: 1000,
  presets: {},
  hasTwoExperts: false,
  defaults: { size: '256x256', frames: 16, fps: 8, num_inference_steps: 12, guidance_scale: 3, negative_prompt: '' },
};

/** The same with every task, as the bundles of the larger families have them. */
export const ALL_TASKS: ModelCard = { ...CARD, id: 'mini-all', tasks: ['t2v', 'i2v', 'v2v'] };

import { describe, expect, test } from 'vitest';
import { parseSubmission } from '#core/video-request.ts';
import { ownPlace } from '#test/core/places.ts';
import { CARD } from './model-card.ts';

const WAN = {
  ...CARD,
  id: 'wan',
  defaults: { ...CARD.defaults, flow_shift: 3 },
  presets: { fast: { num_inference_steps: 4, guidance_scale: 1, flow_shift: 8 } },
  hasTwoExperts: true,
};
const parse = (fields: object, card = WAN) =>
  parseSubmission({ prompt: 'a boat', ...fields }, [card], {
    seed: 1,
    nowMs: null,
    checkUrl: () => undefined,
    residency: ownPlace,
  }).request;

describe('how a request is sampled', () => {
  test('is the model, where neither request nor preset says more', () => {
    const { num_inference_steps, guidance_scale } = WAN.defaults;
    expect(parse({})).toMatchObject({
      ...{ num_inference_steps, guidance_scale, flow_shift: 3 },
      ...{ guidance_scale_2: null, step_cache: null },
    });
    expect(parse({}, CARD as never)).toMatchObject({ flow_shift: null });
  });

  test('is the preset where one is named, and the request before it', () => {
    expect(parse({ preset: 'fast' })).toMatchObject({ num_inference_steps: 4, guidance_scale: 1, flow_shift: 8 });
    expect(parse({ preset: 'fast', guidance_scale: '2.5', flow_shift: 5 })).toMatchObject({
      ...{ num_inference_steps: 4, guidance_scale: 2.5, flow_shift: 5 },
    });
  });

  test('is the same again where the numbers of a preset are given without its name, as a remix gives them', () => {
    const { num_inference_steps, guidance_scale, flow_shift } = parse({ preset: 'fast' });
    const again = { num_inference_steps, guidance_scale, flow_shift: flow_shift ?? undefined };
    expect(parse(again)).toMatchObject({ num_inference_steps: 4, guidance_scale: 1, flow_shift: 8 });
  });

  test('takes the second expert’s guidance and a step cache; a cache of 0 is none', () => {
    expect(parse({ guidance_scale_2: 3, step_cache: 0.05 })).toMatchObject({ guidance_scale_2: 3, step_cache: 0.05 });
    expect(parse({ step_cache: 0 }).step_cache).toBe(null);
  });

  test.each([
    [{ preset: 'quick' }, 'preset: got "quick"; wan has fast.'],
    [{ flow_shift: 0 }, 'flow_shift: got 0; above 0 and at most 100 is allowed.'],
    [{ step_cache: 1.5 }, 'step_cache: got 1.5; 0 (skip no run) to 1 is allowed.'],
    [{ guidance_scale_2: 1000 }, 'guidance_scale_2: got 1000; wan takes'],
  ])('%j is refused in words', (fields, sentence) => {
    expect(() => parse(fields)).toThrow(sentence);
  });

  test('a setting that the model does not have is refused, not ignored', () => {
    const fields = { preset: 'fast', flow_shift: 3, guidance_scale_2: 3 };
    expect(() => parse(fields, CARD as never)).toThrow(/has none\..*one network.*has none to change/s);
  });
});

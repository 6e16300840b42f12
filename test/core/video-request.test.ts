import { describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { offeredSeconds } from '#core/models.ts';
import { parseSubmission } from '#core/video-request.ts';
import { ownPlace } from '#test/core/places.ts';
import { CARD } from './model-card.ts';

const options = { seed: 99, nowMs: Date.UTC(2026, 0, 1), checkUrl: () => undefined, residency: ownPlace };
const parse = (input: unknown) => parseSubmission(input, [CARD], options).request;

function refusal(input: unknown): ReelayError {
  try {
    parse(input);
  } catch (error) {
    if (error instanceof ReelayError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(input)}`);
}

const paths = (input: unknown) => refusal(input).problems.map(problem => problem.path);

describe('a model with 4k+1 frames at one rate', () => {
  const wan = { ...CARD, frames: { min: 17, max: 81, step: 4 }, fps: { min: 16, max: 16, step: 1 } };
  const card = { ...wan, defaults: { ...CARD.defaults, frames: 81, fps: 16 } };

  test('offers its lengths to two decimals and takes each of them', () => {
    const offered = offeredSeconds(card);
    expect([offered[0], offered.at(-1), offered.length]).toEqual([1.06, 5.06, 17]);
    for (const seconds of offered)
      expect(parseSubmission({ prompt: 'x', seconds }, [card], options).request.num_frames % 4).toBe(1);
  });
});

test('a model of 25 frames offers its usual length beside the whole ones, and takes both', () => {
  const frames = { min: 25, max: 25, step: 1 };
  const card = {
    ...CARD,
    frames,
    fps: { min: 4, max: 16, step: 1 },
    defaults: { ...CARD.defaults, frames: 25, fps: 8 },
  };
  expect(offeredSeconds(card)).toEqual([3.13, 5]);
  const fpsOf = (seconds: number) => parseSubmission({ prompt: 'x', seconds }, [card], options).request.fps;
  expect(offeredSeconds(card).map(fpsOf)).toEqual([8, 5]);
});

describe('a request', () => {
  test('is filled with the defaults of the model', () => {
    expect(parse({ prompt: 'a red circle' })).toEqual({
      model: 'mini',
      prompt: 'a red circle',
      negative_prompt: '',
      size: '256x256',
      seconds: 2,
      num_frames: 16,
      fps: 8,
      num_inference_steps: 12,
      guidance_scale: 3,
      seed: 99,
      metadata: {},
      task: 't2v',
      strength: null,
      reference: null,
      guidance_scale_2: null,
      flow_shift: null,
      step_cache: null,
      residency: 'standard',
    });
  });

  test('reads numbers from texts, as multipart sends them', () => {
    expect(parse({ prompt: 'x', seconds: '4', seed: '7', fps: '4', num_inference_steps: ' 6 ' })).toMatchObject({
      seconds: 4,
      seed: 7,
      fps: 4,
      num_inference_steps: 6,
    });
  });

  test.each([
    [{ seconds: 4 }, { fps: 4, num_frames: 16 }],
    [{ seconds: 1 }, { fps: 16, num_frames: 16 }],
    [{ seconds: 2 }, { fps: 8, num_frames: 16 }],
    [{ fps: 10 }, { fps: 10, seconds: 1.6 }],
    [{ seconds: 1.6, fps: 10 }, { num_frames: 16 }],
    [{ seconds: 4, num_frames: 16 }, { fps: 4 }],
    [{ width: 128, height: 256 }, { size: '128x256' }],
    [{ size: '128x256', width: 128 }, { size: '128x256' }],
  ])('settles size, seconds, fps and frames among themselves: %j', (fields, expected) => {
    expect(parse({ prompt: 'x', ...fields })).toMatchObject(expected);
  });

  test('is refused with every problem at once, each naming where, what was got and what is allowed', () => {
    const error = refusal({
      prompt: '',
      size: '1920x1080',
      seconds: 9,
      num_inference_steps: 0,
      wibble: 1,
      fps: 'fast',
    });
    expect(error.code).toBe('invalid_request');
    expect(error.problems.map(p => p.path).sort()).toEqual([
      'fps',
      'num_inference_steps',
      'prompt',
      'seconds',
      'size',
      'wibble',
    ]);
    expect(error.message).toContain('size: got "1920x1080"; mini makes 256x256, 128x256.');
    expect(error.message).toContain('seconds: got 9; mini makes 1, 2, 4 seconds.');
    expect(error.message).toContain('wibble: unknown field');
  });

  test.each([
    [{ prompt: '' }, 'prompt'],
    [{ prompt: ' \n\t' }, 'prompt'],
    [{ prompt: 'x'.repeat(100_000) }, 'prompt'],
    [{ prompt: 5 }, 'prompt'],
    [{ prompt: ['a'] }, 'prompt'],
    [{ prompt: null }, 'prompt'],
    [{}, 'prompt'],
    [{ prompt: 'x', size: '0x0' }, 'size'],
    [{ prompt: 'x', size: 256 }, 'size'],
    [{ prompt: 'x', width: 64 }, 'width'],
    [{ prompt: 'x', size: '256x256', height: 128 }, 'height'],
    [{ prompt: 'x', seconds: -1 }, 'seconds'],
    [{ prompt: 'x', seconds: '1e999' }, 'seconds'],
    [{ prompt: 'x', seconds: Number.NaN }, 'seconds'],
    [{ prompt: 'x', seconds: 2, num_frames: 17 }, 'num_frames'],
    [{ prompt: 'x', seconds: 3, num_frames: 16 }, 'seconds'],
    [{ prompt: 'x', fps: 0 }, 'fps'],
    [{ prompt: 'x', seed: -1 }, 'seed'],
    [{ prompt: 'x', seed: 2 ** 32 }, 'seed'],
    [{ prompt: 'x', seed: 1.5 }, 'seed'],
    [{ prompt: 'x', guidance_scale: 0.5 }, 'guidance_scale'],
    [{ prompt: 'x', guidance_scale: Number.POSITIVE_INFINITY }, 'guidance_scale'],
    [{ prompt: 'x', metadata: { a: 1 } }, 'metadata[a]'],
    [{ prompt: 'x', metadata: 'a' }, 'metadata'],
    [{ prompt: 'x', metadata: { a: 'y'.repeat(600) } }, 'metadata[a]'],
    [{ prompt: 'x', residency: 'eu' }, 'residency'],
    [{ prompt: 'x', max_cost: 'ten' }, 'max_cost'],
    [{ prompt: 'x', max_cost: -1 }, 'max_cost'],
    [{ prompt: 'x', max_cost: '0.0000001' }, 'max_cost'],
    [{ prompt: 'x', dry_run: 'perhaps' }, 'dry_run'],
    [{ prompt: 'x', dry_run: true }, 'dry_run'],
    [{ prompt: 'x', input_reference: { file: true } }, 'input_reference'],
    [JSON.parse('{"prompt":"x","__proto__":{"admin":true}}'), '__proto__'],
    [{ prompt: 'x', constructor: 'y' }, 'constructor'],
  ])('is refused by the name of its field: %#', (input, path) => {
    expect(paths(input)).toContain(path);
  });

  test.each([null, 'text', 5, [], [{ prompt: 'x' }], true])('must be an object: %j', input => {
    expect(paths(input)).toEqual(['body']);
  });

  test('names an unknown model and what there is', () => {
    const error = refusal({ prompt: 'x', model: 'sora-2' });
    expect(error.code).toBe('model_not_found');
    expect(error.message).toBe('model: got "sora-2"; this server offers: mini.');
  });

  test('never comes back with its prompt in the error', () => {
    const secret = 'a very secret prompt about nothing';
    expect(refusal({ prompt: secret.repeat(100), size: 'x' }).message).not.toContain('secret');
  });
});

test('a request with very many problems is told the first twenty and how many there are', () => {
  const junk = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`k${n}`, n]));
  const { message } = refusal({ prompt: 'x', ...junk });
  expect(message).toMatch(/^k0: unknown field; .* And 880 more\.$/);
  expect(message.length).toBeLessThan(8_000);
});

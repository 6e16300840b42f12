import { expect, test } from 'vitest';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { decide } from '#core/policy/content/decide.ts';
import { asking, floor, ports, readSet } from './evaluation.ts';
import { hostileTexts } from './hostile-texts.ts';

const msOf = (prompt: string) => {
  const from = performance.now();
  decide(floor, asking(prompt), ports);
  return performance.now() - from;
};

/** Best of three: what the machine did meanwhile is not the policy's. */
const bestOf = (prompt: string) => Math.min(msOf(prompt), msOf(prompt), msOf(prompt));

test('a decision about a prompt takes at most 2 ms in 99 of 100 cases', () => {
  const times = readSet()
    .map(({ text }) => bestOf(text))
    .sort((a, b) => a - b);
  expect(times[Math.floor(times.length * 0.99)]!).toBeLessThanOrEqual(2);
});

test('the longest hostile prompt is decided in time that grows with its length and no faster', () => {
  for (const [name, textOf] of hostileTexts) {
    const few = bestOf(textOf(contentLimits.maxTextChars / 8));
    const many = bestOf(textOf(contentLimits.maxTextChars));
    // Eight times the text: a quadratic reading would take sixty-four times as long.
    expect(many, name).toBeLessThan(Math.max(few, 1) * 32);
    expect(many, name).toBeLessThan(500);
  }
});

test('a hostile megabyte is denied without being read', () => {
  for (const [name, textOf] of hostileTexts) {
    const text = textOf(1_048_576);
    expect(bestOf(text), name).toBeLessThan(2);
    expect(decide(floor, asking(text), ports).outcome, name).toBe('deny');
    expect(decide(floor, asking('a boat', { negativePrompt: text }), ports).outcome, name).toBe('deny');
  }
});

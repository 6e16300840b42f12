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

/**
 * Milliseconds of this thread's own time for so many decisions: a busy machine stops whatever takes longer than some milliseconds, and that
 * would look like growth. Of many at once, since some systems count it in ticks.
 */
const ownMsOf = (prompt: string, times: number) => {
  const from = process.threadCpuUsage();
  for (let n = 0; n < times; n++) decide(floor, asking(prompt), ports);
  const { user, system } = process.threadCpuUsage(from);
  return (user + system) / 1_000;
};

test('the longest hostile prompt is decided in time that grows with its length and no faster', () => {
  for (const [name, textOf] of hostileTexts) {
    const few = ownMsOf(textOf(contentLimits.maxTextChars / 8), 24);
    const many = ownMsOf(textOf(contentLimits.maxTextChars), 3);
    // As much text in all: a quadratic reading would take eight times as long.
    expect(many, name).toBeLessThan(Math.max(few, 24) * 4);
    expect(many / 3, name).toBeLessThan(500);
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

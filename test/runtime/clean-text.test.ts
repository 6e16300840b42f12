import { expect, test } from 'vitest';
import { cleanWebText } from '#gpu-container/runtime/clean-text.ts';
import oracle from './fixtures/clean-text.json' with { type: 'json' };

test.each(oracle.cases.map(({ text, cleaned }) => [JSON.stringify(text).slice(0, 60), text, cleaned]))(
  'a prompt is cleaned as diffusers cleans it: %s',
  (_, text, cleaned) => {
    expect(cleanWebText(text!)).toBe(cleaned);
  },
);

test('layers of entities without end take bounded time', () => {
  const layers = `&${'amp;'.repeat(50_000)}`;
  const started = performance.now();
  cleanWebText(layers);
  expect(performance.now() - started).toBeLessThan(2_000);
});

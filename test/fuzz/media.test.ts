import { expect, test } from 'vitest';
import { runMedia } from './media.ts';

test('S2: 10,000 changed files at the readers of headers and 200 at the decoders end in a refusal or in pixels, never in a crash', async () => {
  const { goals, figures } = await runMedia(0.05);
  expect(goals.filter(({ met, alone }) => !met && alone !== true)).toEqual([]);
  expect(figures.readersAccepted).toBeGreaterThan(100);
});

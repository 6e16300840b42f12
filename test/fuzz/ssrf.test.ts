import { expect, test } from 'vitest';
import { runSsrf } from './ssrf.ts';
import { hostileUrls } from './ssrf-corpus.ts';

test('S4: no URL of the corpus, and none of 1,000 mutated ones, makes a socket towards an address that is not global', async () => {
  expect(hostileUrls().length).toBeGreaterThan(400);
  const { goals } = await runSsrf(0.05);
  expect(goals.filter(({ met }) => !met)).toEqual([]);
});

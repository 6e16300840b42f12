import { expect, test } from 'vitest';
import { turnBits } from './flips.ts';

test('a turned bit is found wherever the hash reaches, and nowhere changes a statement unnoticed', async () => {
  const { missed, rewritten, states } = await turnBits(160, 80, 20261121);
  expect(missed).toEqual([]);
  expect(rewritten).toEqual([]);
  // Both kinds were met: what the hash covers, and padding that nothing covers.
  expect(states['mdat invalid']).toBeGreaterThan(100);
  expect(states['uuid valid']).toBeGreaterThan(5);
});

import { expect, test } from 'vitest';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import {
  compactMemory,
  createFleetMemory,
  type FleetMemory,
  noteFolded,
  readFleetMemory,
} from '#core/placement/fleet-memory.ts';

const nowSeconds = 1_800_000_000.123_4;

/** Everything that can be remembered, in its longest form. */
function fullMemory(): FleetMemory {
  const blank = createFleetMemory(nowSeconds, 127);
  const long = (n: number) => 123_456.789_012 / (n + 1);
  const ranks = blank.placement.ranks.map((rank, k) => ({
    ...rank,
    used: true,
    freeAt: nowSeconds + long(k),
    spellAt: nowSeconds - long(k),
    events: rank.events.map((_, b) => long(b + k)),
    exposure: rank.exposure.map((_, b) => 7 * long(b + k)),
    hits: long(k),
    spells: long(k),
  }));
  const names = (count: number) => Array.from({ length: count }, (_, n) => String(n).padStart(12, 'f'));
  const since = (count: number) => Object.fromEntries(names(count).map((name, n) => [name, nowSeconds + n]));
  return {
    ...blank,
    ...noteFolded(
      blank,
      names(5_000).map((name, n) => [`a${name}`, nowSeconds + n / 1_000]),
    ),
    placement: { ...blank.placement, ranks, recentArrivals: Array.from({ length: 200 }, (_, n) => nowSeconds + n / 7) },
    leaving: names(900),
    held: names(900),
    idleSince: since(900),
    silentSince: since(900),
    ownerlessSince: since(900),
  };
}

test('a memory that is full of everything is stored in 25 kB, with all that was learned', () => {
  const full = fullMemory();
  const stored = compactMemory(full);
  expect(JSON.stringify(full).length).toBeGreaterThan(2 * fleetLimits.maxMemoryBytes);
  expect(JSON.stringify(stored).length).toBeLessThanOrEqual(fleetLimits.maxMemoryBytes);
  expect(stored.placement.ranks).toHaveLength(48);
  for (const [k, rank] of stored.placement.ranks.entries())
    for (const [b, value] of rank.exposure.entries())
      expect(value / full.placement.ranks[k]!.exposure[b]!).toBeCloseTo(1, 4);
  expect(stored.placement.recentArrivals).toHaveLength(200);
  // Stored again it is the same: what was rounded once is not rounded away.
  expect(compactMemory(stored)).toEqual(stored);
});

test('what no longer fits counts as known', () => {
  const { folded, foldedUntil } = fullMemory();
  expect(folded).toHaveLength(fleetLimits.maxFolded);
  expect(foldedUntil).toBeGreaterThan(nowSeconds);
  expect(folded.every(([, at]) => at > foldedUntil)).toBe(true);
});

test('a stored value that is no memory is none', () => {
  for (const value of [
    undefined,
    null,
    7,
    'x',
    {},
    { v: 2 },
    { v: 1 },
    { v: 1, placement: { v: 1 } },
    { v: 1, placement: { v: 1, ranks: [] } },
  ])
    expect(readFleetMemory(value)).toBeUndefined();
  const memory = compactMemory(createFleetMemory(nowSeconds, 127));
  expect(readFleetMemory(JSON.parse(JSON.stringify(memory)))).toEqual(memory);
  // Half of one, as another version may have left it, would stop every run.
  const { placement } = memory;
  for (const field of Object.keys(memory))
    expect(readFleetMemory({ ...memory, [field]: undefined }), field).toBeUndefined();
  for (const field of Object.keys(placement))
    expect(readFleetMemory({ ...memory, placement: { ...placement, [field]: undefined } }), field).toBeUndefined();
  const ranks = [{ ...placement.ranks[0], events: [0] }, ...placement.ranks.slice(1)];
  for (const wrong of [{ ranks }, { ranks: placement.ranks.slice(1) }, { lambda: null }])
    expect(readFleetMemory({ ...memory, placement: { ...placement, ...wrong } })).toBeUndefined();
});

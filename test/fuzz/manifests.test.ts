/** bundle.json with values changed at random: it is read, or refused in words that fit on a page, and nothing else happens. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { type Dice, rollDice } from './requests-dice.ts';

const BUNDLES = resolve(import.meta.dirname, '..', 'fixtures', 'bundles');
const SEEDS = readdirSync(BUNDLES).map(bundle => readFileSync(join(BUNDLES, bundle, 'bundle.json'), 'utf8'));

/** What readers stumble over. */
const STRANGE: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    '',
    ' ',
    '0',
    'NaN',
    '../..',
    '/etc/passwd',
    'a\\b',
    '\0',
    '__proto__',
  ],
  ...['constructor', 'x'.repeat(100_000), '\ud800', [], {}, [[]], [null], { graph: {} }, { toString: 1 }],
  ...[Array.from({ length: 2_000 }, () => ({})), { plan: 'streaming' }, { min: 5, max: 1 }],
];

/** Every place in a document, as the object and the key. */
function places(value: unknown, found: [Record<string, unknown>, string][] = []): [Record<string, unknown>, string][] {
  if (value === null || typeof value !== 'object') return found;
  for (const key of Object.keys(value)) {
    found.push([value as Record<string, unknown>, key]);
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

function mutate(dice: Dice): string {
  const document = JSON.parse(dice.pick(SEEDS));
  for (let changes = 1 + dice.size(5); changes > 0; changes--) {
    const all = places(document);
    const [object, key] = dice.pick(all);
    const [from, other] = dice.pick(all);
    const choice = dice.below(4);
    if (choice === 0) object[key] = structuredClone(dice.pick(STRANGE));
    else if (choice === 1) delete object[key];
    else if (choice === 2) object[key] = structuredClone(from[other]);
    else object[dice.pick(['__proto__', 'extra', 'graph', key])] = structuredClone(object[key]);
  }
  const json = JSON.stringify(document);
  return dice.chance(0.1) ? json.slice(0, dice.below(json.length)) : json;
}

test('five thousand malformed bundle.json: each is read or refused in words, at once', () => {
  let [accepted, slowestMs] = [0, 0];
  for (let n = 0; n < 5_000; n++) {
    const json = mutate(rollDice(20_261_121, n));
    const startedMs = performance.now();
    try {
      parseManifest('models/fuzz', json);
      accepted++;
    } catch (error) {
      expect(error, `case ${n}: ${error}`).toBeInstanceOf(ReelayError);
      const { code, message } = error as ReelayError;
      expect(code).toBe('bundle_invalid');
      expect(message.startsWith('models/fuzz: bundle.json'), message).toBe(true);
      expect(message.length, message.slice(0, 500)).toBeLessThan(6_000);
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
  }
  expect(accepted).toBeGreaterThan(20);
  expect(slowestMs).toBeLessThan(1_000);
  expect(({} as Record<string, unknown>).extra).toBeUndefined();
});

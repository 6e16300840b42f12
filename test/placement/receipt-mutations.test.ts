import { describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { canonicalJson } from '#core/placement/canonical-json.ts';
import { checkReceipt } from '#core/placement/check-receipt.ts';
import { readReceipt } from '#core/placement/read-receipt.ts';
import { cloud, documentOf, home, keys, ranAt, receiptOf } from './receipt-world.ts';

const job = ranAt('standard', [home, cloud], { furthestStep: 3 });
const reference = { key: 'references/a/b/c', sha256: 'a'.repeat(64), bytes: 3, contentType: 'image/png' };
const document = documentOf(receiptOf({ ...job, request: { ...job.request, reference } }));
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether a changed receipt is found out: it reads as none, or its signature does not hold. */
function isFound(bytes: Uint8Array): boolean {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return true; // no text at all
  }
  try {
    const checks = checkReceipt(readReceipt(text), { verify: keys.verify });
    return checks.some(({ check, outcome }) => check === 'signature' && outcome === 'fails');
  } catch (error) {
    return error instanceof ReelayError;
  }
}

/** A small generator of numbers below n, the same on every run. */
function drawer(seed: number): (n: number) => number {
  let state = seed;
  return n => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Every place of a JSON value that holds no other. */
function leavesOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (value === null || typeof value !== 'object') return [path];
  const names = Array.isArray(value) ? value.map((_, n) => n) : Object.keys(value);
  return names.flatMap(name => leavesOf((value as Record<string, unknown>)[name as string], [...path, name]));
}

describe('a changed receipt', () => {
  test('is found out at each of 8,000 bytes that were replaced, inserted or removed', () => {
    const bytes = new TextEncoder().encode(document);
    expect(isFound(bytes)).toBe(false);
    const draw = drawer(5);
    const missed: string[] = [];
    for (let n = 0; n < 8_000; n++) {
      const at = n < bytes.length ? n : draw(bytes.length); // each byte once, then any
      const kind = n < bytes.length ? 0 : draw(3);
      const byte = kind === 1 ? draw(256) : (bytes[at]! + 1 + draw(255)) % 256;
      const between = kind === 2 ? [] : [byte];
      const changed = Uint8Array.from([
        ...bytes.subarray(0, at),
        ...between,
        ...bytes.subarray(at + (kind === 1 ? 0 : 1)),
      ]);
      if (!isFound(changed)) missed.push(`${kind} at ${at}`);
    }
    expect(missed).toEqual([]);
  });

  test('is found out at each of 2,000 fields that were given another value of their kind, and written as a receipt is', () => {
    const draw = drawer(6);
    const leaves = leavesOf(JSON.parse(document));
    const missed: string[] = [];
    for (let n = 0; n < 2_000; n++) {
      const path = leaves[n % leaves.length]!;
      const copy = JSON.parse(document) as Record<string, unknown>;
      let holder = copy;
      for (const name of path.slice(0, -1)) holder = holder[name as string] as Record<string, unknown>;
      const last = path.at(-1) as string;
      holder[last] = otherValue(holder[last], draw);
      if (!isFound(new TextEncoder().encode(canonicalJson(copy)))) missed.push(path.join('.'));
    }
    expect(missed).toEqual([]);
  });
});

/** Another value of the same kind, such as would be a receipt's too where that is possible. */
function otherValue(value: unknown, draw: (n: number) => number): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1 + draw(9);
  if (value === 'onprem') return 'cloud';
  if (value === 'cloud') return 'onprem';
  if (typeof value !== 'string') return home;
  const at = draw(value.length);
  const digit = value[at] === '1' ? '2' : '1';
  return value.slice(0, at) + digit + value.slice(at + 1);
}

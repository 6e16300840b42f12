import { describe, expect, test } from 'vitest';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';

export interface OpenKeyValueStore {
  readonly kv: KeyValueStore;
  close(): Promise<void>;
}

/** What every KeyValueStore keeps. `open` gives an empty store. */
export function keyValueStoreContract(name: string, open: () => Promise<OpenKeyValueStore>): void {
  const promise = (title: string, keep: (kv: KeyValueStore) => Promise<void>) =>
    test(title, { timeout: 15_000 }, async () => {
      const { kv, close } = await open();
      try {
        await keep(kv);
      } finally {
        await close();
      }
    });

  describe(`${name} as a KeyValueStore`, () => {
    writePromises(promise);
    textPromises(promise);
    grammarPromises(promise);
    racePromises(promise);
    listPromises(promise);
    duePromises(promise);
    expiryPromises(promise);
  });
}

type Promised = (title: string, keep: (kv: KeyValueStore) => Promise<void>) => void;

function writePromises(promise: Promised): void {
  promise('an entry created is read back in every field, as version 1', async kv => {
    const entry = makeEntry({ value: { a: [1, null, 'x'], b: false }, expiresAtMs: 5, dueAtMs: 7 });
    expect(await kv.create(entry)).toEqual({ ...entry, version: 1 });
    expect(await kv.get(entry.space, entry.name)).toEqual({ ...entry, version: 1 });
  });

  promise('a create where an entry is, expired or not, writes nothing', async kv => {
    const entry = makeEntry({ expiresAtMs: 0 });
    await kv.create(entry);
    expect(await kv.create({ ...entry, value: 'other' })).toBeUndefined();
    expect(await kv.get(entry.space, entry.name)).toEqual({ ...entry, version: 1 });
  });

  promise('a replace wants the version it read, and counts it', async kv => {
    const entry = { ...makeEntry({ dueAtMs: 1, expiresAtMs: 2 }), version: 1 };
    expect(await kv.replace(entry)).toBeUndefined();
    await kv.create(entry);
    const next = { ...entry, value: 'next', dueAtMs: null, expiresAtMs: null };
    expect(await kv.replace({ ...next, version: 2 })).toBeUndefined();
    expect(await kv.replace(next)).toEqual({ ...next, version: 2 });
    expect(await kv.replace(next)).toBeUndefined();
    expect(await kv.get(entry.space, entry.name)).toEqual({ ...next, version: 2 });
  });

  promise('a put writes whatever is there, and shuts out who read what was there before', async kv => {
    const entry = makeEntry({ dueAtMs: 1, expiresAtMs: 2 });
    expect(await kv.put(entry)).toEqual({ ...entry, version: 1 });
    const next = { ...entry, value: 'next', dueAtMs: null, expiresAtMs: null };
    const put = await kv.put(next);
    expect(put).toEqual({ ...next, version: 2 });
    expect(await kv.get(entry.space, entry.name)).toEqual(put);
    expect(await kv.listDue('test', 99, 10)).toEqual([]);
    expect(await kv.replace({ ...entry, version: 1 })).toBeUndefined();
    expect(await kv.replace(put)).toMatchObject({ version: 3 });
  });

  promise('a removed entry is gone, an unknown one is fine, and others stay', async kv => {
    const [gone, kept] = [makeEntry({ name: 'gone' }), makeEntry({ name: 'kept' })];
    await kv.create(gone);
    await kv.create(kept);
    await kv.remove(gone.space, gone.name);
    await kv.remove(gone.space, gone.name);
    await kv.remove('test/nobody', kept.name);
    expect(await kv.get(gone.space, gone.name)).toBeUndefined();
    expect(await kv.get(kept.space, kept.name)).toBeDefined();
    expect(await kv.replace({ ...gone, version: 1 })).toBeUndefined();
    expect(await kv.create(gone)).toMatchObject({ version: 1 });
  });
}

/** Names that break what encodes, escapes, joins or cuts them. */
const NAMES = [
  '',
  ' ',
  '#',
  'a',
  'a#b',
  'a/b',
  'A',
  '../../etc/passwd',
  'C:\\x',
  "it's",
  '%23',
  'a\u0000b',
  'line\nbreak',
  'Žluťoučký kůň',
  'Zˇluťoučký',
  '\uE000',
  '\uFFFD',
  '🐎',
  'x'.repeat(512),
  `${'x'.repeat(511)}y`,
  '値'.repeat(512),
  `${'値'.repeat(511)}倀`,
  '🐎'.repeat(256),
];

function textPromises(promise: Promised): void {
  promise('names of any kind are each their own, up to 512 characters', async kv => {
    for (const name of NAMES) expect(await kv.create(makeEntry({ name, value: name })), name).toBeDefined();
    for (const name of NAMES) expect((await kv.get('test/acme', name))?.value).toBe(name);
    expect((await kv.list('test/acme', { limit: 100 })).map(entry => entry.name)).toEqual(inOrder(NAMES));
  });

  promise('the same name in two spaces is two entries', async kv => {
    const spaces = ['test/a', 'test/a.b', 'test2/a', 'te/st.a', 'test/a-b_c', `long/${'x'.repeat(200)}`];
    for (const space of spaces) expect(await kv.create(makeEntry({ space, value: space }))).toBeDefined();
    for (const space of spaces) {
      expect((await kv.get(space, 'one'))?.value).toBe(space);
      expect((await kv.list(space, { limit: 10 })).map(entry => entry.value)).toEqual([space]);
    }
  });

  promise('values come back as they were: texts, numbers, nothing, and 300,000 bytes', async kv => {
    const values = [null, true, 0, -1.5, 1e21, '', '\u0000 \uD800 ﷽ 🐎', [], {}, { __proto__x: [{}] }];
    for (const [n, value] of values.entries()) {
      await kv.create(makeEntry({ name: `${n}`, value }));
      expect((await kv.get('test/acme', `${n}`))?.value).toEqual(value);
    }
    const large = 'é'.repeat(149_999);
    await kv.put(makeEntry({ name: '値'.repeat(512), value: large, dueAtMs: 1, expiresAtMs: 1 }));
    expect((await kv.get('test/acme', '値'.repeat(512)))?.value).toBe(large);
  });
}

function grammarPromises(promise: Promised): void {
  const refusal = { code: 'invalid_request', retryable: false };

  promise('a space that is not kind/owner is refused by every call', async kv => {
    for (const space of ['', 'a', 'a/', '/a', 'a/b/c', 'a b/c', 'a#/b', 'a/ž', '../a/b', `a/${'x'.repeat(300)}`]) {
      const entry = makeEntry({ space });
      const calls = [
        kv.get(space, 'x'),
        kv.create(entry),
        kv.replace({ ...entry, version: 1 }),
        kv.put(entry),
        kv.remove(space, 'x'),
        kv.list(space, { limit: 1 }),
      ];
      for (const call of await Promise.allSettled(calls))
        expect(call, space).toMatchObject({ status: 'rejected', reason: refusal });
    }
    for (const kind of ['', 'a/b', 'a#']) await expect(kv.listDue(kind, 1, 1), kind).rejects.toMatchObject(refusal);
  });

  promise(
    'a name that is too long or no Unicode text is refused, a value that is too large or no JSON too',
    async kv => {
      for (const name of ['x'.repeat(513), 'a\uD800', '\uDC00b'])
        await expect(kv.create(makeEntry({ name })), name).rejects.toMatchObject(refusal);
      await expect(kv.put(makeEntry({ value: undefined }))).rejects.toMatchObject(refusal);
      const large = makeEntry({ value: 'é'.repeat(150_000) });
      await expect(kv.create(large)).rejects.toMatchObject({ code: 'payload_too_large', retryable: false });
      await expect(kv.put(large)).rejects.toMatchObject({ code: 'payload_too_large', retryable: false });
      expect(await kv.list('test/acme', { limit: 10 })).toEqual([]);
    },
  );
}

function racePromises(promise: Promised): void {
  promise('of twenty creates of one name, one succeeds', async kv => {
    const made = await Promise.all(Array.from({ length: 20 }, (_, n) => kv.create(makeEntry({ value: n }))));
    const won = made.filter(entry => entry !== undefined);
    expect(won).toHaveLength(1);
    expect(await kv.get('test/acme', 'one')).toEqual(won[0]);
  });

  promise('of twenty replaces of one version, one is written', async kv => {
    await kv.create(makeEntry());
    const tries = Array.from({ length: 20 }, (_, n) => kv.replace({ ...makeEntry({ value: n }), version: 1 }));
    const won = (await Promise.all(tries)).filter(entry => entry !== undefined);
    expect(won).toHaveLength(1);
    expect(await kv.get('test/acme', 'one')).toEqual(won[0]);
  });

  promise('of twenty puts each is written, and each has a version of its own', async kv => {
    const puts = await Promise.all(Array.from({ length: 20 }, (_, n) => kv.put(makeEntry({ value: n }))));
    expect(puts.map(entry => entry.version).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(puts).toContainEqual(await kv.get('test/acme', 'one'));
  });
}

function listPromises(promise: Promised): void {
  promise('pages of a space show each entry once, in the order of the UTF-8 bytes', async kv => {
    const names = [...NAMES, ...Array.from({ length: 30 }, (_, n) => `${'値'.repeat(400)}${n}`)];
    await Promise.all([...names].reverse().map(name => kv.create(makeEntry({ name }))));
    await kv.create(makeEntry({ space: 'test/other' }));
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await kv.list('test/acme', { limit: 7, ...(after === undefined ? {} : { after }) });
      seen.push(...page.map(entry => entry.name));
      if (page.length < 7) break;
    }
    expect(seen).toEqual(inOrder(names));
    expect(await kv.list('test/acme', { limit: 0 })).toEqual([]);
    expect(await kv.list('test/nobody', { limit: 9 })).toEqual([]);
  });

  promise(
    'a cursor works when its entry was removed or never was, and a page is filled past what is gone',
    async kv => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await kv.create(makeEntry({ name }));
      for (const name of ['b', 'c']) await kv.remove('test/acme', name);
      const names = async (after: string) => (await kv.list('test/acme', { limit: 2, after })).map(entry => entry.name);
      expect([await names('a'), await names('b'), await names('bb'), await names('e')]).toEqual([
        ['d', 'e'],
        ['d', 'e'],
        ['d', 'e'],
        [],
      ]);
    },
  );
}

function duePromises(promise: Promised): void {
  promise('what is due is listed over all spaces of its kind, oldest first, up to the limit', async kv => {
    const due = (owner: string, ms: number | null) => makeEntry({ space: `hook/${owner}`, name: `${ms}`, dueAtMs: ms });
    const entries = [due('a', 30), due('b', 10), due('a', 20), due('c', null), due('b', 40)];
    for (const entry of entries) await kv.create(entry);
    await kv.create(makeEntry({ space: 'hooks/a', dueAtMs: 1 }));
    const at = async (ms: number, limit = 10) =>
      (await kv.listDue('hook', ms, limit)).map(entry => entries.findIndex(({ name }) => name === entry.name));
    expect(await at(9)).toEqual([]);
    expect(await at(10)).toEqual([1]);
    expect(await at(30)).toEqual([1, 2, 0]);
    expect(await at(30, 2)).toEqual([1, 2]);
    expect(await at(30, 0)).toEqual([]);
    await kv.replace({ ...entries[1]!, dueAtMs: 35, version: 1 });
    await kv.replace({ ...entries[2]!, dueAtMs: null, version: 1 });
    await kv.remove(entries[0]!.space, entries[0]!.name);
    expect(await at(99)).toEqual([1, 4]);
  });
}

function expiryPromises(promise: Promised): void {
  promise('expired entries are removed, up to the limit, and counted; others stay', async kv => {
    const expiring = [30, 10, 20, null, 40].map((ms, n) => makeEntry({ space: `k${n}/x`, expiresAtMs: ms }));
    for (const entry of expiring) await kv.create(entry);
    const left = async () => {
      const found = await Promise.all(expiring.map(({ space, name }) => kv.get(space, name)));
      return found.flatMap(entry => (entry === undefined ? [] : [entry.expiresAtMs]));
    };
    expect(await kv.removeExpired(9, 10)).toBe(0);
    expect(await kv.removeExpired(30, 2)).toBe(2);
    expect(await left()).toEqual([30, null, 40]);
    expect(await kv.removeExpired(30, 0)).toBe(0);
    expect(await kv.removeExpired(30, 10)).toBe(1);
    expect(await kv.removeExpired(30, 10)).toBe(0);
    expect(await left()).toEqual([null, 40]);
    await kv.put({ ...expiring[4]!, expiresAtMs: 400 });
    expect(await kv.removeExpired(399, 10)).toBe(0);
    expect(await left()).toEqual([null, 400]);
  });
}

function makeEntry(overrides: Partial<KeyValueEntry> = {}): Omit<KeyValueEntry, 'version'> {
  return { space: 'test/acme', name: 'one', value: 'a value', expiresAtMs: null, dueAtMs: null, ...overrides };
}

function inOrder(names: readonly string[]): readonly string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

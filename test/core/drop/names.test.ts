import { describe, expect, test } from 'vitest';
import { escapeName, extensionOf, kindOfName, safeExtension, safeStem, skippedName, stemOf } from '#core/drop/names.ts';
import { decodeName, decodeUtf8, encodeName } from '#core/drop/utf8.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('a name', () => {
  test('that is no UTF-8 is kept byte for byte, and shown so that it can be read back', () => {
    const raw = bytes(0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x2e, 0x74, 0x78, 0x74);
    const name = decodeName(raw);
    expect(encodeName(name)).toEqual(raw);
    expect(escapeName(name)).toBe('a\\xff\\xc3(\\xed\\xa0\\x80.txt');
    expect(kindOfName(name)).toBe('text');
  });

  test('of any bytes survives the way there and back', () => {
    for (let seed = 1; seed < 400; seed++) {
      const raw = Uint8Array.from({ length: seed % 40 }, (_, at) => (seed * 2_654_435_761 * (at + 7)) >>> 24);
      expect(encodeName(decodeName(raw))).toEqual(raw);
    }
  });

  test('is shown on one line, with what hides or turns text spelled out', () => {
    expect(escapeName('a\nb\u202egpj.txt')).toBe('a\\u{a}b\\u{202e}gpj.txt');
    expect(escapeName('back\\slash')).toBe('back\\\\slash');
    expect(escapeName('猫 👩‍🎨 é')).toBe('猫 👩‍🎨 é');
  });

  test.each([
    ['x.TXT', 'text'],
    ['x.json', 'json'],
    ['x.jsonl', 'batch'],
    ['x.JPEG', 'image'],
    ['x.webp', 'image'],
    ['x.mov', 'video'],
    ['x.ready', 'marker'],
    ['x.pdf', 'unknown'],
    ['x', 'unknown'],
    ['x.txt.exe', 'unknown'],
  ])('%s says it is %s', (name, kind) => expect(kindOfName(name)).toBe(kind));

  test.each([
    ['.hidden.txt', 'hidden'],
    ['', 'hidden'],
    ['a.txt.part', 'temporary'],
    ['a.crdownload', 'temporary'],
    ['a.tmp', 'temporary'],
    ['x.keep', 'temporary'],
    ['~$letter.txt', 'temporary'],
    ['note.txt~', 'temporary'],
    ['Thumbs.db', 'system'],
    ['desktop.ini', 'system'],
    ['a.txt', undefined],
    ['part.txt', undefined],
  ])('%j is skipped as %s', (name, reason) => expect(skippedName(name)).toBe(reason));

  test('has an extension only after its last dot, and a leading dot starts none', () => {
    expect([extensionOf('a.b.TXT'), stemOf('a.b.TXT')]).toEqual(['txt', 'a.b']);
    expect([extensionOf('.txt'), stemOf('.txt')]).toEqual(['', '.txt']);
    expect([extensionOf('a.'), stemOf('a.')]).toEqual(['', 'a']);
  });

  test.each([
    ['cat.txt', 'cat'],
    ['Über Größe.txt', 'Uber-Gro-e'],
    ['猫.txt', 'drop'],
    ['../../etc/passwd.txt', 'etc-passwd'],
    ['..txt', 'drop'],
    ['...a.txt', 'a'],
    ['-rf.txt', 'rf'],
    ['CON.txt', '_CON'],
    ['con.foo.txt', '_con.foo'],
    ['lpt1.json', '_lpt1'],
    ['console.txt', 'console'],
    ['a\nb.txt', 'a-b'],
    ['a%2e%2e%2fb.txt', 'a-2e-2e-2fb'],
    ['"; rm -rf ~;".txt', 'rm--rf'],
    [`${'x'.repeat(200)}.txt`, 'x'.repeat(63)],
  ])('%j is written as %s', (name, stem) => expect(safeStem(name)).toBe(stem));

  test('gives a stem that is safe whatever it is', () => {
    for (let seed = 1; seed < 2_000; seed++) {
      const raw = Uint8Array.from(
        { length: 1 + (seed % 60) },
        (_, at) => (seed * 40_503 * (at + 3) * (at + 11)) >>> 12,
      );
      const stem = safeStem(decodeName(raw));
      expect(stem).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
      expect(stem).not.toMatch(/[.-]$|\.\.|^(con|nul|prn|aux)(\.|$)/i);
    }
  });

  test('keeps an extension only where that is plain', () => {
    expect([safeExtension('a.PNG'), safeExtension('a.p\nng'), safeExtension('a')]).toEqual(['.png', '', '']);
  });
});

describe('text', () => {
  test('is UTF-8 or nothing, without a byte order mark', () => {
    const encode = (text: string) => new TextEncoder().encode(text);
    expect(decodeUtf8(encode('\ufeffeine Katze 猫 👩‍🎨'))).toBe('eine Katze 猫 👩‍🎨');
    expect(decodeUtf8(encode('x'.repeat(100_001)))).toHaveLength(100_001);
    for (const bad of [
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
      [0xf0, 0x80, 0x80, 0x80],
    ])
      expect(decodeUtf8(Uint8Array.from(bad))).toBeUndefined();
  });

  test('is read as the platform reads it', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
    for (let seed = 1; seed < 3_000; seed++) {
      const raw = Uint8Array.from(
        { length: 6 },
        (_, at) =>
          [0xe0, 0xa0, 0x80, 0xf4, 0x8f, 0xbf, 0x41, 0xc2, 0xed, 0x9f, 0xf0, 0x90][
            (seed * (at + 1) * 7 + (seed >> at)) % 12
          ]!,
      );
      let expected: string | undefined;
      try {
        expected = platform.decode(raw);
      } catch {
        expected = undefined;
      }
      expect(decodeUtf8(raw)).toBe(expected);
    }
  });
});

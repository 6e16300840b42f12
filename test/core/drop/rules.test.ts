import { describe, expect, test } from 'vitest';
import type { DropSource } from '#core/drop/drop-folder.ts';
import { groupSources, skipReason } from '#core/drop/group.ts';
import { nameFits } from '#core/drop/media.ts';
import { canonicalRequests, isOwnPaper, namedFiles, requestsOf } from '#core/drop/requests.ts';
import { compareSequencers, keysMeant } from '#core/drop/s3-events.ts';
import { ReelayError } from '#core/errors.ts';
import { sniffMedia } from '#core/references/media-type.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const file = (name: string, content: string | Uint8Array) => ({
  name,
  bytes: typeof content === 'string' ? encode(content) : content,
  sha256: `hash of ${name}`,
});
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13);
const source = (name: string, overrides: Partial<DropSource> = {}): DropSource => ({
  identity: name,
  name,
  folder: '',
  kind: 'file',
  bytes: 5,
  shared: false,
  ageMs: 0,
  ...overrides,
});
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ReelayError);
    return (error as ReelayError).message;
  }
  throw new Error('it was not refused');
};

describe('an S3 event', () => {
  test('has a key that is decoded once, with the other reading kept', () => {
    expect(keysMeant('drop/a+b%2Bc.txt', true)).toEqual(['drop/a b+c.txt', 'drop/a+b%2Bc.txt']);
    expect(keysMeant('drop/a+b.txt', false)).toEqual(['drop/a+b.txt', 'drop/a b.txt']);
    expect(keysMeant('drop/%2541.txt', true)[0]).toBe('drop/%41.txt');
    expect(keysMeant('drop/100%.txt', true)).toEqual(['drop/100%.txt']);
    expect(keysMeant('drop/%E7%8C%AB.txt', true)[0]).toBe('drop/猫.txt');
  });

  test('is later than another when its sequencer is, whatever their lengths', () => {
    expect(compareSequencers('0055AED6DCD90281E5', '0055AED6DCD90281E6')).toBeLessThan(0);
    expect(compareSequencers('0055aed6', '0055AED6')).toBe(0);
    // Filled with zeros on the right: the longer one of the same beginning is later, and length alone decides nothing.
    expect(compareSequencers('0055AED6DCD9', '0055AED6DCD90281E5')).toBeLessThan(0);
    expect(compareSequencers('0056', '0055AED6DCD90281E5')).toBeGreaterThan(0);
  });
});

describe('files', () => {
  test('of one stem are one drop when an image or video is among them', () => {
    const units = groupSources(['a.png', 'b.txt', 'a.txt', 'b.json', 'c.jsonl'].map(name => source(name)));
    expect(units.map(({ main, parts }) => [main.name, ...parts.map(part => part.name)])).toEqual([
      ['b.txt'],
      ['b.json'],
      ['c.jsonl'],
      ['a.png', 'a.txt'],
    ]);
  });

  test('of one stem in two folders, or spelled in two ways, are told apart and put together', () => {
    const apart = groupSources([source('a.png', { folder: 'x/' }), source('a.txt', { folder: 'y/' })]);
    expect(apart).toHaveLength(2);
    const together = groupSources([source('e\u0301.png'), source('\u00e9.txt')]);
    expect(together).toHaveLength(1);
  });

  test('that claim the same sidecar are ambiguous', () => {
    expect(groupSources([source('a.png'), source('a.jpg'), source('a.txt')])[0]).toMatchObject({ ambiguous: true });
  });

  test('take the marker of their stem along, and a marker alone is no drop', () => {
    expect(groupSources([source('a.ready', { bytes: 0 })])).toEqual([]);
    const [unit] = groupSources([source('a.ready', { bytes: 0 }), source('a.txt')]);
    expect(unit).toMatchObject({ main: { name: 'a.txt' }, marker: { name: 'a.ready' } });
  });

  test.each([
    [source('a.txt', { bytes: 0 }), 'empty'],
    [source('in', { kind: 'folder' }), 'folder'],
    [source('a.txt', { kind: 'link' }), 'link'],
    [source('a.txt', { kind: 'special' }), 'special'],
    [source('.a.txt'), 'hidden'],
    [source('a.txt'), undefined],
  ])('are skipped for a reason: %#', (one, reason) => expect(skipReason(one)).toBe(reason));

  test.each([
    [PNG, 'image/png'],
    [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'image/jpeg'],
    [encode('RIFF....WEBPVP8 '), 'image/webp'],
    [encode('\0\0\0\x18ftypisom\0\0\0\0'), 'video/mp4'],
    [encode('\0\0\0\x14ftypqt  \0\0\0\0'), 'video/quicktime'],
    [Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3), 'video/webm'],
    [encode('\0\0\0\x18ftypheic\0\0\0\0'), undefined],
    [encode('\0\0\0\x18ftypavif\0\0\0\0'), undefined],
    [encode('GIF89a'), undefined],
    [encode('<svg xmlns='), undefined],
    [encode('%PDF-1.7'), undefined],
    [new Uint8Array(0), undefined],
  ])('are what their first bytes say: %#', (bytes, type) => expect(sniffMedia(bytes)).toBe(type));

  test('may carry the names of what they are', () => {
    expect([
      nameFits('a.JPG', 'image/jpeg'),
      nameFits('a.jpeg', 'image/jpeg'),
      nameFits('a.png', 'image/jpeg'),
    ]).toEqual([true, true, false]);
    expect(nameFits('a.mov', 'video/mp4')).toBe(true);
  });
});

describe('a request', () => {
  test('is the text of a .txt', () => {
    expect(requestsOf(file('a.txt', '\ufeff a cat\r\n'), [])).toEqual([{ body: { prompt: 'a cat' }, line: null }]);
    expect(refusal(() => requestsOf(file('a.txt', Uint8Array.of(0xff, 0xfe, 0x61, 0)), []))).toBe(
      'a.txt: this is not text in UTF-8; save it as UTF-8.',
    );
  });

  test('is the object in a .json', () => {
    expect(requestsOf(file('a.json', '{"prompt":"a cat","seed":3}'), [])[0]?.body).toEqual({
      prompt: 'a cat',
      seed: 3,
    });
    expect(refusal(() => requestsOf(file('a.json', '{"prompt": "secret'), []))).toBe(
      'a.json: this is not valid JSON; check quotes, commas and brackets.',
    );
    expect(refusal(() => requestsOf(file('a.json', '[{"prompt":"x"}]'), []))).toContain('.jsonl');
    const deep = `{"metadata":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(refusal(() => requestsOf(file('a.json', deep), []))).toContain('16 levels');
    for (const text of [
      '"'.repeat(1e6),
      '"\\'.repeat(5e5),
      `[${'"a'.repeat(3e5)}`,
      '\\"'.repeat(5e5),
      '{"a":'.repeat(2e5),
    ]) {
      const startMs = performance.now();
      refusal(() => requestsOf(file('a.json', text), []));
      expect(performance.now() - startMs).toBeLessThan(1_000);
    }
    const braces = JSON.stringify({ prompt: '[{"'.repeat(40) });
    expect(requestsOf(file('a.json', braces), [])[0]?.body).toEqual({ prompt: '[{"'.repeat(40) });
  });

  test('is a line of a .jsonl, and every bad line is named', () => {
    expect(requestsOf(file('a.jsonl', '{"prompt":"a"}\n\n{"prompt":"b"}\r\n'), [])).toEqual([
      { body: { prompt: 'a' }, line: 1 },
      { body: { prompt: 'b' }, line: 3 },
    ]);
    const said = refusal(() => requestsOf(file('a.jsonl', '{"prompt":"a"}\nsecret\n[1]\n'), []));
    expect(said).toBe(
      'line 2: this is not a JSON object; write one a line. line 3: this is not a JSON object; write one a line.',
    );
    expect(refusal(() => requestsOf(file('a.jsonl', '{}\n'.repeat(1_001)), []))).toContain('at most 1000');
    expect(refusal(() => requestsOf(file('a.jsonl', ' \n'), []))).toContain('one JSON object a line');
  });

  test('is an image with its sidecar, which may hold the prompt or the body', () => {
    const reference = { file: true, bytes: PNG, contentType: 'image/png', sha256: 'hash of a.png' };
    expect(requestsOf(file('a.png', PNG), [file('a.txt', 'it moves')])[0]?.body).toEqual({
      prompt: 'it moves',
      input_reference: reference,
    });
    const both = [file('a.json', '{"seed":1}'), file('a.txt', 'it moves')];
    expect(requestsOf(file('a.png', PNG), both)[0]?.body).toEqual({
      prompt: 'it moves',
      seed: 1,
      input_reference: reference,
    });
    expect(
      refusal(() => requestsOf(file('a.png', PNG), [file('a.json', '{"prompt":"x"}'), file('a.txt', 'y')])),
    ).toContain('said twice');
    expect(refusal(() => requestsOf(file('a.png', PNG), [file('a.json', '{"input_reference":"b.png"}')]))).toContain(
      'another file',
    );
    expect(refusal(() => requestsOf(file('a.jpg', PNG), []))).toBe(
      'a.jpg: its bytes are image/png and its name says otherwise; name it .png.',
    );
    expect(refusal(() => requestsOf(file('a.png', 'GIF89a'), []))).toContain('no image or video that is taken');
  });

  test('of any other kind is refused with what to drop instead', () => {
    expect(refusal(() => requestsOf(file('a.pdf', 'x'), []))).toContain('drop a .txt with a prompt');
  });

  test('names files by their plain names, and nothing that could be a path', () => {
    const named = (input_reference: unknown) => namedFiles({ body: { input_reference }, line: null });
    expect(named('b.png')).toEqual([{ field: 'input_reference', name: 'b.png' }]);
    for (const path of ['../b.png', '/etc/passwd', 'a/b.png', 'a\\b.png', '..', '.', '', 'a\0b', `${'x'.repeat(256)}`])
      expect(refusal(() => named(path))).toContain('without a folder');
    const forged = '{"input_reference":{"file":true,"sha256":"of something that was never dropped"}}';
    expect(refusal(() => requestsOf(file('a.json', forged), []))).toContain('name one file');
    expect(refusal(() => requestsOf(file('a.jsonl', forged), []))).toContain('line 1: input_reference: name one file');
    expect([named('https://example.com/a.png'), named('data:image/png;base64,AA'), named({ image_url: 'x' })]).toEqual([
      [],
      [],
      [],
    ]);
  });

  test('is equal to another whatever the order of its fields and the name of its file', () => {
    const [bytes, contentType] = [PNG, 'image/png'];
    const one = canonicalRequests([
      { body: { prompt: 'a', input_reference: { file: true, bytes, contentType, sha256: 'h' } }, line: null },
    ]);
    const two = canonicalRequests([
      { body: { input_reference: { sha256: 'h', contentType, bytes, file: true }, prompt: 'a' }, line: null },
    ]);
    expect(one).toBe(two);
    expect(canonicalRequests([{ body: { prompt: 'b' }, line: null }])).not.toBe(one);
  });

  test('is not made of our own papers', () => {
    expect(isOwnPaper(file('x.receipt.json', '{"object":"receipt"}'))).toBe(true);
    expect(isOwnPaper(file('x.error.json', '{"object":"drop.error"}'))).toBe(true);
    expect(isOwnPaper(file('x.error.json', '{"prompt":"a"}'))).toBe(false);
  });
});

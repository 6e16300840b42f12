import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { claimedOf } from '#gpu-container/provenance/c2pa/claimed.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import {
  crowdedIndex,
  deepCbor,
  endlessCbor,
  nestedBoxes,
  nestedStore,
  storeWithBrotli,
  withCbor,
  withStore,
} from './hostile.ts';
import { box, c2paBox, claim, type Installation, joined, newInstallation, smallClip, topBoxes } from './sample.ts';

const library = openLibrary();
let ours: Installation;
let signed: Uint8Array;
let ftyp: Uint8Array;
let manifest: Uint8Array;
let rest: Uint8Array;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reelay-c2pa-'));
  ours = await newInstallation();
  signed = await signMp4(await smallClip(), claim, ours.signer, library);
  const [first, second] = topBoxes(signed);
  ftyp = signed.slice(0, first!.size);
  manifest = signed.slice(second!.at, second!.at + second!.size);
  rest = signed.slice(second!.at + second!.size);
});
afterAll(async () => {
  await library.close();
  rmSync(folder, { recursive: true });
});

const read = (file: Uint8Array | string) => readMp4(file, { trustRoots: ours.trustRoots, library });
/** State and first sentence; whatever came before, a good file is still read as what it is. */
async function verdict(file: Uint8Array | string): Promise<string> {
  const { state, reasons, claim: facts } = await read(file);
  expect(reasons.length).toBeGreaterThan(0);
  for (const reason of reasons) expect(reason).toMatch(/^[A-Z].*\.$/);
  if (state === 'none' || state === 'unchecked') expect(facts).toBeNull();
  expect((await read(signed)).state).toBe('valid');
  return `${state}: ${reasons[0]}`;
}
const quickly = async (file: Uint8Array | string) => {
  const began = performance.now();
  const finding = await readMp4(file);
  expect(performance.now() - began).toBeLessThan(200);
  return `${finding.state}: ${finding.reasons[0]}`;
};

describe('a file without C2PA data', () => {
  test('is none of ours, in words, and never called not made by a model', async () => {
    expect(await verdict(await smallClip())).toMatch(
      /^none: It has no C2PA data\. That says nothing about how it was made/,
    );
    expect(await verdict(joined(ftyp, rest))).toMatch(/^none: It has no C2PA data/);
    expect(await verdict(new Uint8Array())).toBe('none: The file is empty.');
    for (const bytes of [
      Buffer.from('hello'),
      Buffer.from('\x89PNG\r\n\x1a\n0000000000'),
      new Uint8Array(5000),
      manifest,
    ])
      expect(await verdict(bytes)).toMatch(/^none: It is no MP4 file/);
  });
});

describe('a file that was changed after it was signed', () => {
  test('is invalid when boxes were moved, added, taken away or put in from another clip', async () => {
    const [moov, mdat] = topBoxes(signed).slice(2);
    const part = (one: { at: number; size: number }) => signed.slice(one.at, one.at + one.size);
    const altered = /^invalid: Its picture, sound or index is not what was signed/;
    expect(await verdict(joined(ftyp, manifest, part(mdat!), part(moov!)))).toMatch(altered);
    expect(await verdict(joined(ftyp, manifest, box('free', new Uint8Array(64)), rest))).toMatch(altered);
    expect(await verdict(joined(ftyp, manifest, rest, box('udta', new Uint8Array(64))))).toMatch(altered);
    expect(await verdict(joined(ftyp, manifest, part(moov!)))).toMatch(altered);
    const other = await signMp4(await smallClip(), claim, ours.signer, library);
    other[other.length - 9]! ^= 1;
    const [, , index, data] = topBoxes(other);
    expect(await verdict(joined(ftyp, manifest, other.slice(index!.at, data!.at + data!.size)))).toMatch(altered);
  });

  test('is invalid wherever it is cut off, and none once the C2PA box is not in it', async () => {
    const begins = ftyp.length;
    const cuts = [1, 7, 20, begins, begins + 20, begins + 60, begins + 500, begins + manifest.length - 1];
    const ends = [begins + manifest.length, begins + manifest.length + 9, signed.length - 2000, signed.length - 1];
    for (const cut of [...cuts, ...ends]) {
      const { state, reasons } = await read(signed.slice(0, cut));
      expect([cut, state]).toEqual([cut, cut < begins + 36 ? 'none' : 'invalid']);
      expect(reasons.join(' ')).toMatch(/damaged|cut off|no MP4|no C2PA data|not what was signed/);
    }
  });

  test('is invalid with two C2PA boxes, and with bytes behind its last box', async () => {
    expect(await verdict(joined(ftyp, manifest, manifest, rest))).toMatch(/^invalid: It has 2 C2PA boxes/);
    expect(await verdict(joined(signed, c2paBox(new Uint8Array(40))))).toMatch(/^invalid: It has 2 C2PA boxes/);
    expect(await verdict(joined(signed, Buffer.from('abc')))).toMatch(
      /^invalid: The file is damaged: its last 3 bytes/,
    );
  });
});

describe('a file that was made to break its reader', () => {
  test('gets an answer whatever its manifest holds', async () => {
    const packed = brotliCompressSync(new Uint8Array(100_000_000), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    const stores = {
      nothing: new Uint8Array(),
      noise: Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919) >> 3),
      'deep JUMBF': nestedStore(20_000),
      'a packed bomb': storeWithBrotli(packed),
      'a packed bomb with its type': storeWithBrotli(joined(Buffer.from('jumb'), packed)),
      'a box of 4 GB': joined(Uint8Array.of(255, 255, 255, 255), Buffer.from('jumb'), new Uint8Array(100)),
    };
    // The C2PA box of ours opens with 48 bytes of its own: header, id, version, purpose and an offset.
    const store = manifest.subarray(45);
    for (const label of ['c2pa.claim.v2', 'c2pa.signature', 'c2pa.actions.v2', 'reelay.job'])
      for (const [name, cbor] of Object.entries({ deep: deepCbor(1_000_000), endless: endlessCbor }))
        Object.assign(stores, { [`${name} CBOR in ${label}`]: withCbor(store, label, cbor) });
    expect(withCbor(store, 'nothing', endlessCbor)).toEqual(new Uint8Array(store));
    for (const [name, store] of Object.entries(stores)) {
      const said = await verdict(withStore(ftyp, store, rest));
      expect(`${name}: ${said}`).toMatch(/: (invalid|unchecked): /);
    }
  });

  test('gets an answer whatever its boxes say', async () => {
    const deep = { moov: nestedBoxes('moov', 200_000), trak: box('moov', nestedBoxes('trak', 200_000)) };
    for (const inside of Object.values(deep))
      expect(await verdict(joined(ftyp, manifest, inside))).toMatch(/^(invalid|unchecked): /);
    const huge = new Uint8Array(16);
    new DataView(huge.buffer).setUint32(0, 1);
    huge.set(Buffer.from('mdat'), 4);
    huge.fill(0xff, 8);
    expect(await verdict(joined(ftyp, manifest, huge))).toMatch(/^invalid: The file is damaged: its box at byte \d+/);
    huge.fill(0, 8);
    expect(await verdict(joined(ftyp, manifest, huge))).toMatch(
      /^invalid: The file is damaged: .* less than its own header/,
    );
    const many = Buffer.alloc(8 * (limits.c2paBoxes + 1));
    for (let at = 0; at < many.length; at += 8) many.write('\0\0\0\x08free', at, 'latin1');
    expect(await verdict(joined(ftyp, manifest, many))).toMatch(/^unchecked: Its top level has more than 10000 boxes/);
  });

  test('is given up when its time is over, and the next file is read all the same', async () => {
    const began = performance.now();
    const late = await readMp4(joined(ftyp, manifest, crowdedIndex(1_000_000)), { library, seconds: 0.5 });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(late).toEqual({
      state: 'unchecked',
      reasons: ['Reading its C2PA data took more than 0.5 s and was given up.'],
      claim: null,
    });
    expect((await read(signed)).state).toBe('valid');
  });
});

describe('a reader that broke', () => {
  test('says so, and is another one for the next file', async () => {
    // A file that went away after it was looked at throws inside the thread, as the library does when it breaks.
    const gone = { path: join(folder, 'gone.mp4'), size: 100 };
    const answer = await library.ask({ verb: 'read', file: gone, settings: '{}' }, 10);
    expect(answer).toMatchObject({ broken: expect.stringContaining('ENOENT') });
    expect((await read(signed)).state).toBe('valid');
  });

  test('answers each of many that ask at once with what it asked for', async () => {
    const plain = await readMp4(signed, { library });
    const altered = signed.slice();
    altered[altered.length - 3]! ^= 4;
    const asked = Array.from({ length: 12 }, (_, i) => read(i % 2 ? signed : altered));
    const states = (await Promise.all(asked)).map(one => one.state);
    expect(states).toEqual(Array.from({ length: 12 }, (_, i) => (i % 2 ? 'valid' : 'invalid')));
    expect(plain.state).toBe('valid_untrusted');
  });
});

describe('a file that is too large', () => {
  test('is refused from its headers within 200 ms, in memory and on disk', async () => {
    const manifestBytes = limits.c2paManifestBytes + 1;
    const bomb = withStore(ftyp, new Uint8Array(manifestBytes), rest);
    expect(await quickly(bomb)).toMatch(/^unchecked: Its C2PA data has \d+ bytes; up to 16777216 are looked into/);
    const path = join(folder, 'large.mp4');
    const size = 50_000_000_000;
    const header = Buffer.alloc(16);
    header.writeUInt32BE(1);
    header.write('mdat', 4);
    header.writeBigUInt64BE(BigInt(size - ftyp.length - manifest.length), 8);
    writeFileSync(path, joined(ftyp, manifest, header));
    truncateSync(path, size);
    expect(await quickly(path)).toBe(`unchecked: It has ${size} bytes; files of up to 209715200 are checked.`);
  });

  test('is no pipe or folder that never ends', async () => {
    const pipe = join(folder, 'pipe.mp4');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    await expect(readMp4(pipe)).rejects.toThrow('is no plain file');
    await expect(readMp4(folder)).rejects.toThrow('is no plain file');
    await expect(readMp4(join(folder, 'nothing.mp4'))).rejects.toThrow('ENOENT');
  });
});

describe('what a stranger wrote', () => {
  test('comes as short text without control characters, and only where facts belong', () => {
    const assertions = [
      { label: 'c2pa.actions.v2', data: { actions: [7, null, { action: `x\u001b[2J${'y'.repeat(500)}` }] } },
      { label: 'reelay.job', data: 'a text' },
      { label: 'c2pa.hash.bmff.v3', data: { exclusions: [{ xpath: '/mdat' }, { xpath: '/ftyp' }] } },
    ];
    const store = {
      active_manifest: 'm',
      manifests: { m: { assertions, ingredients: 'none', signature_info: { cert_serial_number: '-1' } } },
      validation_state: 'Valid',
      validation_results: { activeManifest: { failure: 3 } },
    };
    const { state, reasons, claim: facts } = claimedOf(store);
    expect(state).toBe('valid_untrusted');
    expect(reasons[1]).toBe('Its signature leaves out /mdat: what is there can be anything.');
    expect(facts).toMatchObject({ job: null, ingredients: [], signer: { serial: null }, generator: null });
    expect(facts?.actions.map(one => one.action)).toEqual(['unnamed', 'unnamed', `x[2J${'y'.repeat(195)}`]);
    for (const odd of [null, 3, [], {}, { active_manifest: '__proto__', manifests: {} }, { validation_state: 'Sure' }])
      expect(claimedOf(odd)).toEqual({
        state: 'invalid',
        reasons: ['Its C2PA data breaks the rules of C2PA.'],
        claim: null,
      });
  });
});

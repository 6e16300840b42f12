/** What is said of files that anyone may have made: which are ours, which were altered, and what is not known. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import type { FileVerdict } from '#core/marks/verdict.ts';
import { readI420Frames } from '#gpu-container/media/read-i420.ts';
import { yuvToRgb } from '#gpu-container/media/yuv-to-rgb.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { countBoxes } from '#gpu-container/provenance/verify/count-boxes.ts';
import { openReader } from '#gpu-container/provenance/verify/reader.ts';
import type { FileVerifier } from '#gpu-container/provenance/verify/verify-file.ts';
import { verifyLimits } from '#gpu-container/provenance/verify/verify-limits.ts';
import { makeImage, makeMp4, makeWebm } from '#test/media/make-media.ts';
import { crowdedIndex, nestedBoxes } from '#test/provenance/c2pa/hostile.ts';
import { claim, newInstallation } from '#test/provenance/c2pa/sample.ts';
import { encodeI420 } from '#test/provenance/watermark/encode-i420.ts';
import { bombsOf } from './bombs.ts';
import { mutate } from './mutate.ts';
import { JOB, openWorld, WIDE, type World } from './world.ts';

let world: World;
let ours: Uint8Array;
let frames: Uint8Array[];
let verifier: FileVerifier;
beforeAll(async () => {
  world = await openWorld();
  ours = await world.make();
  frames = [];
  await readI420Frames(
    ours,
    { decoded: 8, every: () => 1, isOver: () => false },
    ({ bytes }) => frames.push(bytes) > 0,
  );
  verifier = world.verifier();
});
afterAll(() => world.close());

const verify = (file: Uint8Array, search = false) => verifier.verify(file, { search });
const all = ({ sentences }: FileVerdict) => sentences.join(' ');
/** Every answer is whole sentences, and a file without our mark is never called not made by AI. */
function checkWords(verdict: FileVerdict): void {
  expect(verdict.sentences.length).toBeGreaterThan(0);
  for (const sentence of verdict.sentences) expect(sentence).toMatch(/^[A-Z].*\.$/);
  if (!/^(ours|marked)/.test(verdict.kind))
    expect(all(verdict)).toMatch(/does not mean that it was not made by AI|nothing here says whether/);
}

/** One frame as a person's screen shows it. */
function screenshot(frame: Uint8Array) {
  const { width, height } = WIDE;
  const chroma = { stride: width / 2 };
  const rgb = yuvToRgb({
    ...{ bytes: frame, width, height, chromaStep: 1, shiftX: 1, shiftY: 1, matrix: 'bt709', fullRange: false },
    ...{ luma: { offset: 0, stride: width }, cb: { ...chroma, offset: width * height } },
    cr: { ...chroma, offset: width * height * 1.25 },
  });
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

describe('a file of ours', () => {
  test('is ours and unaltered by its signature, its watermark and the registry, with model, time and odds', async () => {
    const verdict = await verify(ours);
    checkWords(verdict);
    expect(verdict).toMatchObject({
      kind: 'ours_unaltered',
      c2pa: { state: 'valid', signer: 'Reelay installation' },
      watermark: { state: 'found', agreeingBits: 128, frames: 8, crop: null },
      registry: { state: 'match', jobId: JOB.id, tenant: JOB.tenant, model: 'reelay-mini', sameBytes: true },
    });
    expect(verdict.watermark.falsePositive).toBeLessThan(1e-6);
    expect(all(verdict)).toMatch(/by chance in fewer than 1 of [\d,]+\./);
    expect(all(verdict)).not.toContain(JOB.id);
    expect(all(verdict)).not.toContain(JOB.tenant);
  });

  test('is ours without a registry by its signature, without a root by its bytes, and with neither it is marked', async () => {
    const bare = world.verifier({ kv: null });
    expect(await bare.verify(ours, { search: false })).toMatchObject({
      kind: 'ours_unaltered',
      registry: { state: 'unchecked' },
    });
    const rootless = world.verifier({ trustRoots: '' });
    expect(await rootless.verify(ours, { search: false })).toMatchObject({
      kind: 'ours_unaltered',
      registry: { sameBytes: true },
    });
    const neither = await world.verifier({ kv: null, trustRoots: '' }).verify(ours, { search: false });
    expect(neither.kind).toBe('marked_ours');
    expect(all(neither)).toContain('The registry was not asked');
  });

  test('is altered once a bit is turned, its end is missing, or bytes that no signature covers differ', async () => {
    const flipped = ours.slice();
    flipped[ours.length - 900]! ^= 1;
    const padded = new Uint8Array(Buffer.concat([ours, Buffer.from('\0\0\0\x10free12345678', 'latin1')]));
    for (const file of [flipped, ours.slice(0, ours.length - 3_000), padded]) {
      const verdict = await verify(file);
      checkWords(verdict);
      expect(verdict).toMatchObject({ kind: 'ours_altered', registry: { jobId: JOB.id, sameBytes: false } });
    }
  });

  test('is known by its pictures where a copy was encoded again, cut shorter, or stripped', async () => {
    const again = await encodeI420(frames.slice(2, 5), { ...WIDE, fps: 6 });
    for (const file of [again, await world.makeMarked()])
      expect(await verify(file)).toMatchObject({
        kind: 'marked_ours',
        c2pa: { state: 'none' },
        registry: { jobId: JOB.id },
      });
  });

  test('is known by a screenshot of one frame: PNG, JPEG and WebP, larger, smaller, and with an odd side', async () => {
    const shots = [
      screenshot(frames[3]!).png(),
      screenshot(frames[3]!).resize(801, 451).jpeg({ quality: 80 }),
      screenshot(frames[3]!).resize(397, 223).webp({ quality: 80 }),
    ];
    for (const shot of shots) {
      const verdict = await verify(await shot.toBuffer());
      expect(verdict).toMatchObject({ kind: 'marked_ours', watermark: { frames: 1 }, registry: { jobId: JOB.id } });
      expect(verdict.c2pa.state).toBe('unchecked');
    }
  });

  test('is known by a part of a frame where parts are asked for, and says that they were not where they were not', async () => {
    const part = screenshot(frames[3]!).extract({ left: 40, top: 30, width: 440, height: 248 });
    const file = await part.png().toBuffer();
    const plain = await verify(file);
    expect(plain.kind).toBe('unknown');
    expect(all(plain)).toContain('parts of the frame were not searched');
    const searched = await verify(file, true);
    expect(searched).toMatchObject({ kind: 'marked_ours', watermark: { searched: true }, registry: { jobId: JOB.id } });
    expect(searched.watermark.crop!.scale).toBeCloseTo(440 / 512, 1);
  });
});

describe('a file of somebody else', () => {
  test('is signed by them, or unknown: never ours, and never called not made by AI', async () => {
    const stranger = await newInstallation({ organization: 'Somebody' });
    const clip = await makeMp4();
    const signed = await signMp4(clip, { ...claim, job: { ...claim.job, id: JOB.id } }, stranger.signer);
    const broken = signed.slice();
    broken[broken.length - 9]! ^= 1;
    const cases: readonly [Uint8Array, string][] = [
      [signed, 'foreign_signed'],
      [broken, 'unknown'],
      [clip, 'unknown'],
      [await makeWebm(), 'unknown'],
      [await makeImage('png', 64, 64), 'unknown'],
    ];
    for (const [file, kind] of cases) {
      const verdict = await verify(file);
      checkWords(verdict);
      expect(verdict).toMatchObject({
        kind,
        watermark: { state: 'not_found', payload: null },
        registry: { jobId: null },
      });
    }
  });

  test('may not borrow our signature: our manifest on another clip makes it no file of ours', async () => {
    const tiny = await makeMp4(16, 8, 64, 64);
    const at = Buffer.from(tiny).readUInt32BE(0);
    const from = Buffer.from(ours).readUInt32BE(0);
    const manifest = ours.slice(from, from + Buffer.from(ours).readUInt32BE(from));
    const verdict = await verify(new Uint8Array(Buffer.concat([tiny.slice(0, at), manifest, tiny.slice(at)])));
    expect(verdict).toMatchObject({ kind: 'unknown', c2pa: { state: 'invalid' }, registry: { jobId: null } });
  });

  test('is unchecked where nothing could be looked at, and the answer says what is missing', async () => {
    const blind = world.verifier({ watermark: null, trustRoots: '' });
    const image = await blind.verify(await makeImage('png', 64, 64), { search: false });
    expect(image.kind).toBe('unchecked');
    expect(all(image)).toContain('this machine does not have');
    checkWords(image);
  });
});

describe('whatever comes', () => {
  test('gets a sentence: text, nothing, a folder, a pipe, no file, one that may not be read, one too large', async () => {
    const at = (name: string) => join(world.folder, name);
    mkdirSync(at('folder'));
    writeFileSync(at('text'), 'hello');
    writeFileSync(at('empty'), '');
    writeFileSync(at('closed'), ours, { mode: 0o000 });
    spawnSync('mkfifo', [at('pipe')]);
    spawnSync('truncate', ['-s', String(verifyLimits.videoBytes + 1), at('large')]);
    const cases: Record<string, RegExp> = {
      text: /neither a video nor a picture/,
      empty: /empty/,
      folder: /folder/,
      pipe: /no plain file/,
      missing: /no such file/,
      large: /209715201 bytes; files of up to 209715200/,
      ...(process.getuid?.() === 0 ? {} : { closed: /cannot be read \(EACCES\)/ }),
    };
    for (const [name, says] of Object.entries(cases)) {
      const verdict = await verifier.verifyPath(at(name), { search: false });
      checkWords(verdict);
      expect([name, verdict.kind, all(verdict)]).toEqual([name, 'unchecked', expect.stringMatching(says)]);
    }
  });

  test('a bomb is refused with a sentence within 200 ms', async () => {
    await verify(ours); // the process is there
    for (const [name, bomb] of Object.entries(bombsOf(ours))) {
      // Others may have the cores for a moment: one look of three must be quick.
      let took = Number.POSITIVE_INFINITY;
      for (let looks = 0; looks < 3 && took > 200; looks++) {
        const began = performance.now();
        const verdict = await verify(bomb);
        took = Math.min(took, performance.now() - began);
        checkWords(verdict);
        expect([name, verdict.kind]).toEqual([name, name.includes('manifest') ? 'unknown' : 'unchecked']);
      }
      expect([name, took < 200]).toEqual([name, true]);
    }
    // Each is refused for what it promises, and for nothing that a good file has.
    expect(countBoxes(ours, verifyLimits.boxes)).toBeLessThan(100);
    expect(countBoxes(crowdedIndex(1_000_000), 500)).toBe(501);
    expect(countBoxes(nestedBoxes('moov', 10_000), 500)).toBe(501);
  });

  test('eighty files changed at random are each answered, and none of them is called unaltered', async () => {
    const clip = await world.make({
      size: { width: 64, height: 64 },
      frames: 4,
      jobId: 'video_01j00000000000000000000009',
    });
    const others = [await makeImage('png', 64, 64), await makeImage('jpeg', 64, 64), await makeWebm(4, 4)];
    for (let seed = 0; seed < 80; seed++) {
      const start = seed % 4 === 0 ? others[(seed / 4) % 3]! : clip;
      const file = mutate(start, [clip, ...others], seed);
      const verdict = await verify(file);
      checkWords(verdict);
      if (verdict.kind === 'ours_unaltered') expect(Buffer.from(file).equals(Buffer.from(clip))).toBe(true);
    }
    expect((await verify(clip)).kind).toBe('ours_unaltered');
  });

  test('one file is read at a time and one waits; who comes then is told to come again', async () => {
    const busy = world.verifier({ reader: openReader({ waiting: 1 }) });
    const picture = await makeImage('png', 64, 64);
    const ask = () =>
      busy.verify(picture, { search: false }).then(
        ({ kind }) => kind,
        error => error.code,
      );
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['unknown', 'unknown', 'rate_limited']);
    await busy.close();
  });
});

test('the limits agree with one another', () => {
  expect(verifyLimits.videoBytes).toBe(limits.c2paFileBytes);
  expect(verifyLimits.keptSamples).toBeGreaterThan(limits.maxReferenceFramePixels);
  expect(verifyLimits.decodeMs / 1000).toBeLessThan(verifyLimits.seconds);
});

/**
 * @file Our signed clips under two readers that share no code: ours (c2pa-rs) and c2pa-ts, from the folder that it is given.
 * Run by test/c2pa.sh.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import type { Claim } from '#gpu-container/provenance/c2pa/claim.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { movingDisc } from '#test/media/clips.ts';
import { unmarked } from '#test/media/unmarked.ts';
import { productClips } from './product-clips.ts';
import { claim, newInstallation, topBoxes } from './sample.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('say in which folder c2pa-ts is installed');
const resolve = createRequire(join(folder, 'package.json')).resolve;
const load = (part: string): Promise<any> => {
  // Its packages export to `import` only, which createRequire does not follow.
  const root = join(folder, 'node_modules/@trustnxt/c2pa-ts');
  const exported = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports[part].import;
  return import(pathToFileURL(resolve(join(root, exported))).href);
};
const [{ BMFF }, { SuperBox }, { ManifestStore, ValidationResult }] = [
  await load('./asset'),
  await load('./jumbf'),
  await load('./manifest'),
];
// It knows HEIC only; the boxes of an MP4 are the same.
BMFF.canReadBrands.add('isom');

interface Opinion {
  readonly valid: boolean;
  readonly codes: readonly string[];
}

async function secondOpinion(file: Uint8Array): Promise<Opinion> {
  let result: any;
  try {
    const asset = new BMFF(file);
    const jumbf = asset.getManifestJUMBF();
    if (!jumbf) return { valid: false, codes: ['no manifest'] };
    result = await ManifestStore.read(SuperBox.fromBuffer(jumbf)).validate(asset);
  } catch (error) {
    result = ValidationResult.fromError(error as Error);
  }
  const failed = result.statusEntries.filter((entry: any) => entry.success === false);
  return { valid: result.isValid === true, codes: failed.map((entry: any) => String(entry.code)) };
}

let passed = 0;
let failed = 0;
function check(name: string, holds: boolean, detail = ''): void {
  if (holds) passed++;
  else failed++;
  if (!holds) console.log(`FAILED  ${name}${detail && `: ${detail}`}`);
}

const SIZES = [
  [64, 64],
  [128, 96],
  [256, 144],
  [320, 180],
  [512, 288],
  [640, 360],
] as const;
const LENGTHS = [1, 2, 8, 16, 25, 33, 48, 60, 97];
const { signer, trustRoots } = await newInstallation();
const library = openLibrary();
const plain = { width: 64, height: 64, channels: 3, background: 'teal' } as const;
const png = await sharp({ create: plain }).png().toBuffer();
let clips = 0;
let smallest = Number.POSITIVE_INFINITY;
let largest = 0;
let earlier: Uint8Array | undefined;
for (const [width, height] of SIZES)
  for (const frames of LENGTHS) {
    const clip = await encodeMp4(movingDisc(frames, frames % 2 ? 8 : 24, width, height), unmarked);
    const with_: Partial<Claim>[] = [
      {},
      { watermarked: false },
      { references: [{ bytes: png, mimeType: 'image/png' }] },
      earlier === undefined ? {} : { references: [{ bytes: earlier, mimeType: 'video/mp4' }] },
      earlier === undefined ? {} : { parent: { bytes: earlier, mimeType: 'video/mp4' } },
    ];
    const kind = clips % with_.length;
    const signed = await signMp4(clip, { ...claim, ...with_[kind] }, signer, library);
    const ours = await readMp4(signed, { trustRoots, library });
    const theirs = await secondOpinion(signed);
    const name = `${width}x${height}, ${frames} frames, kind ${kind}`;
    check(`ours: ${name}`, ours.state === 'valid', ours.reasons.join(' '));
    check(`theirs: ${name}`, theirs.valid, theirs.codes.join(' '));
    const altered = signed.slice();
    const data = topBoxes(signed).find(box => box.type === 'mdat')!;
    altered[data.at + 8 + ((clips * 7919) % (data.size - 8))]! ^= 1;
    check(`ours, altered: ${name}`, (await readMp4(altered, { trustRoots, library })).state === 'invalid');
    check(`theirs, altered: ${name}`, !(await secondOpinion(altered)).valid);
    clips++;
    smallest = Math.min(smallest, signed.length);
    largest = Math.max(largest, signed.length);
    // A chain of edits of edits would grow without end.
    if (kind === 0) earlier = signed;
  }
const made = await productClips();
for (const { name, file, trustRoots } of made) {
  const [ours, theirs] = [await readMp4(file, { trustRoots, library }), await secondOpinion(file)];
  check(`ours, of the product: ${name}`, ours.state === 'valid', ours.reasons.join(' '));
  check(`theirs, of the product: ${name}`, theirs.valid, theirs.codes.join(' '));
  const altered = Uint8Array.from(file);
  const data = topBoxes(file).find(box => box.type === 'mdat')!;
  altered[data.at + 8 + (data.size >> 1)]! ^= 1;
  check(`theirs, of the product and altered: ${name}`, !(await secondOpinion(altered)).valid);
}
console.log(`${made.length} clips that the product made, each by both readers`);
await library.close();
console.log(
  `${clips} clips of ${smallest} to ${largest} bytes: each whole and with one bit turned, each by both readers`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed === clips * 4 + made.length * 3 ? 0 : 1);

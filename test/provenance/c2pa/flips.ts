/**
 * @file Single bits of a signed clip turned, each copy read. In `npm test` some hundred, all of them by
 *
 *     node --disable-warning=ExperimentalWarning test/provenance/c2pa/flips.ts [10000] [seed]
 */
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import type { C2paFinding } from '#gpu-container/provenance/c2pa/finding.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { claim, newInstallation, smallClip, topBoxes } from './sample.ts';

/** What became of turned bits. Keys of `states` are as `mdat invalid`. */
export interface Flips {
  readonly states: Readonly<Record<string, number>>;
  /** Bits outside the boxes that the hash leaves out whose turning was not found. */
  readonly missed: readonly string[];
  /** Bits whose turning was not found and yet changed what the manifest says. */
  readonly rewritten: readonly string[];
  readonly clipBytes: number;
}

/** Left out of the hash: the file type, and the C2PA box, which its own signature and hashes cover in part. */
const LEFT_OUT = ['ftyp', 'uuid'];

/** Turns `outside` bits where the hash reaches and `inside` bits where it does not. */
export async function turnBits(outside: number, inside: number, seed: number): Promise<Flips> {
  const { signer, trustRoots } = await newInstallation();
  const file = await signMp4(await smallClip(), claim, signer);
  const boxes = topBoxes(file);
  const library = openLibrary();
  const read = (bytes: Uint8Array): Promise<C2paFinding> => readMp4(bytes, { trustRoots, library });
  const whole = await read(file);
  if (whole.state !== 'valid') throw new Error(`the clip itself is ${whole.state}: ${whole.reasons.join(' ')}`);
  let state = seed >>> 0;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const states: Record<string, number> = {};
  const missed: string[] = [];
  const rewritten: string[] = [];
  for (let left = { outside, inside }; left.outside + left.inside > 0; ) {
    const [at, bit] = [random(file.length), random(8)];
    const box = boxes.find(one => at >= one.at && at < one.at + one.size)!;
    const place = LEFT_OUT.includes(box.type) ? 'inside' : 'outside';
    if (left[place] === 0) continue;
    left = { ...left, [place]: left[place] - 1 };
    const copy = file.slice();
    copy[at]! ^= 1 << bit;
    const finding = await read(copy);
    const key = `${box.type} ${finding.state}`;
    states[key] = (states[key] ?? 0) + 1;
    const where = `byte ${at} (${box.type}), bit ${bit}`;
    const unnoticed = finding.state === 'valid' || finding.state === 'valid_untrusted';
    if (place === 'outside' && finding.state !== 'invalid') missed.push(`${where}: ${finding.state}`);
    if (unnoticed && JSON.stringify(finding.claim) !== JSON.stringify(whole.claim)) rewritten.push(where);
  }
  await library.close();
  return { states, missed, rewritten, clipBytes: file.length };
}

if (process.argv[1] === import.meta.filename) {
  const [count, seed] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)];
  const began = performance.now();
  const { states, missed, rewritten, clipBytes } = await turnBits(count, Math.ceil(count / 10), seed);
  console.log(
    `a clip of ${clipBytes} bytes, seed ${seed}, ${Math.round((performance.now() - began) / 1000)} s`,
    states,
  );
  for (const line of [...missed, ...rewritten].slice(0, 20)) console.log(line);
  console.log(`${count - missed.length} of ${count} turned bits outside the exclusions found`);
  console.log(`${rewritten.length} of ${Math.ceil(count / 10)} inside them went unnoticed and changed a statement`);
  process.exit(missed.length + rewritten.length === 0 ? 0 : 1);
}

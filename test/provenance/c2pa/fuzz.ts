/**
 * @file Signed clips with bytes, sizes and ends changed at random, as many as are read in the time:
 *
 *     node --disable-warning=ExperimentalWarning test/provenance/c2pa/fuzz.ts [60 seconds] [seed]
 *
 * Fails when one is not answered, is answered late, or is called valid while its index, data or statements are others.
 */
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { claim, newInstallation, smallClip, topBoxes } from './sample.ts';

/** The slowest answer that is taken; the machine may have other work. */
const LATE_MS = 5_000;

const [seconds, seed] = [Number(process.argv[2] ?? 60), Number(process.argv[3] ?? 1)];
const { signer, trustRoots } = await newInstallation();
const parent = { bytes: await signMp4(await smallClip(), claim, signer), mimeType: 'video/mp4' };
const file = await signMp4(await smallClip(), { ...claim, parent }, signer);
const signedFrom = topBoxes(file)[2]!.at;
const library = openLibrary();
const read = (bytes: Uint8Array) => readMp4(bytes, { trustRoots, library, seconds: LATE_MS / 1000 });
const facts = JSON.stringify((await read(file)).claim);

let state = seed >>> 0;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

function changed(): Uint8Array {
  const copy = file.slice();
  for (let left = 1 + random(6); left > 0; left--) {
    const at = random(2) ? random(file.length) : random(signedFrom);
    copy.fill([255, 0, random(256), random(256)][random(4)]!, at, at + (random(4) ? 1 : 4));
  }
  return random(3) ? copy : copy.slice(0, random(copy.length));
}

const states: Record<string, number> = {};
let slowest = 0;
let wrong = 0;
let files = 0;
for (const began = performance.now(); performance.now() - began < seconds * 1000; files++) {
  const copy = changed();
  const asked = performance.now();
  const finding = await read(copy);
  slowest = Math.max(slowest, performance.now() - asked);
  states[finding.state] = (states[finding.state] ?? 0) + 1;
  const sound = finding.state === 'valid' || finding.state === 'valid_untrusted';
  const same = Buffer.compare(copy.subarray(signedFrom), file.subarray(signedFrom)) === 0;
  const lied = sound && !(same && JSON.stringify(finding.claim) === facts);
  if (lied || /took more|break off/.test(finding.reasons[0]!)) {
    wrong++;
    console.log(`file ${files}, seed ${seed}: ${finding.state}: ${finding.reasons.join(' ')}`);
  }
}
await library.close();
console.log(`${files} files, slowest ${Math.round(slowest)} ms`, states);
console.log(`${wrong} wrong`);
process.exit(wrong === 0 && files > 0 ? 0 : 1);

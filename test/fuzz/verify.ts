/**
 * Files changed at random, put to the verifier: each must get an answer in whole sentences, none may be called unaltered, and the process
 * that reads them should live. `node test/fuzz/verify.ts [count, 20000] [first seed, 0] [minutes, no end]`
 */
import { makeImage, makeMp4, makeWebm } from '#test/media/make-media.ts';
import { mutate } from '#test/provenance/verify/mutate.ts';
import { openWorld } from '#test/provenance/verify/world.ts';

const [count, first, minutes] = [20_000, 0, Number.POSITIVE_INFINITY].map((usual, i) =>
  Number(process.argv[i + 2] ?? usual),
) as [number, number, number];
const world = await openWorld();
const small = { width: 64, height: 64 };
const clip = await world.make({ size: small, frames: 4 });
const starts = [
  ...[clip, clip, clip, await world.makeMarked({ size: small, frames: 4 }), await makeMp4(8, 8)],
  ...[
    await makeWebm(8, 8),
    await makeImage('png', 64, 64),
    await makeImage('jpeg', 64, 64),
    await makeImage('webp', 64, 64),
  ],
];
// A thread is started for each of these, which makes them slow.
const webm = await makeWebm(8, 8);
const verifier = world.verifier();
const kinds = new Map<string, number>();
const wrong: string[] = [];
let [slowestMs, brokeOff, done] = [0, 0, 0];
const startedMs = performance.now();
for (let seed = first; seed < first + count && performance.now() - startedMs < minutes * 60_000; seed++, done++) {
  const file = mutate(seed % 50 === 0 ? webm : starts[seed % starts.length]!, [...starts, webm], seed);
  const began = performance.now();
  const { kind, sentences } = await verifier.verify(file, { search: false });
  slowestMs = Math.max(slowestMs, performance.now() - began);
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const said = sentences.join(' ');
  if (/break off|took too/.test(said)) brokeOff++;
  if (sentences.length === 0 || sentences.some(one => !/^[A-Z].*\.$/.test(one))) wrong.push(`${seed}: ${said}`);
  if (kind === 'ours_unaltered' && !Buffer.from(file).equals(Buffer.from(clip)))
    wrong.push(`${seed}: called unaltered`);
}
await world.close();
console.log(`${done} files: ${[...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')}`);
console.log(
  `slowest ${slowestMs.toFixed(0)} ms; the reader was ended or broke off ${brokeOff} times; ${wrong.length} wrong`,
);
for (const one of wrong.slice(0, 20)) console.log(one);
process.exitCode = wrong.length > 0 ? 1 : 0;

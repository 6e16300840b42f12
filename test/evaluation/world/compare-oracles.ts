/**
 * @file Asks the oracle about the clips about which the one in Python was asked: the true clips of all fixed prompts, and 512 damaged
 * ones. Prints a line a kind; exit status 1 unless both say the same of every true clip and of LEAST of the damaged ones.
 *
 * Of the same bytes they say the same. A clip drawn here has some 80 bytes in 1.2 million that are one more or less than those drawn in
 * float32, though, and what is read in heavy noise may hang by one.
 *
 *     node test/evaluation/world/compare-oracles.ts [how many prompts]
 */
import { isDeepStrictEqual } from 'node:util';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { fixedPrompts } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { readClip } from '#gpu-container/evaluation/world/read-clip.ts';
import { compareReading, type Reading } from '#gpu-container/evaluation/world/readings.ts';
import { damaged } from './damaged.ts';
import readings from './fixtures/readings.json' with { type: 'json' };

/** The part of the damaged clips of which both must say the same. */
const LEAST = 0.99;

const count = Number(process.argv[2] ?? readings.length);
const prompts = fixedPrompts();
const tally = new Map<string, { asked: number; same: number; right: number }>();
let readMs = 0;
for (const { row, side, ...answers } of readings.slice(0, count)) {
  const clip = drawClip(prompts[row]!.scene, side);
  const other = drawClip(prompts[(row + 1) % prompts.length]!.scene, side);
  for (const [kind, expected] of Object.entries(answers) as [string, Reading][]) {
    const bytes = kind === 'true' ? clip : damaged(kind, clip, other, row);
    const startedMs = performance.now();
    const got = readClip(bytes);
    readMs += performance.now() - startedMs;
    const line = tally.get(kind) ?? { asked: 0, same: 0, right: 0 };
    const isSame = isDeepStrictEqual(got, expected);
    if (!isSame) console.log(`${kind}, prompt ${row}: Python ${JSON.stringify(expected)}, here ${JSON.stringify(got)}`);
    const right = compareReading(prompts[row]!.want, got).all;
    tally.set(kind, { asked: line.asked + 1, same: line.same + Number(isSame), right: line.right + Number(right) });
  }
}
const lines = [...tally].sort(([a], [b]) => a.localeCompare(b));
const sum = (key: 'asked' | 'same') => lines.reduce((total, [, line]) => total + line[key], 0);
for (const [kind, { asked, same, right }] of lines)
  console.log(`${kind.padEnd(10)} ${same} of ${asked} read as in Python, ${right} as the prompt wants it`);
console.log(`${sum('same')} of ${sum('asked')} readings are Python's; ${(readMs / sum('asked')).toFixed(0)} ms each`);
const drawn = tally.get('true');
process.exitCode = drawn?.same === drawn?.asked && sum('same') >= LEAST * sum('asked') && sum('asked') > 0 ? 0 : 1;

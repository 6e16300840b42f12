/**
 * A default clip of the bundled model, prompt to RGB frames, against the same networks in torch with diffusers' scheduler, on the same
 * cores. Paired: one clip here, one there, in turns. Needs a Python with torch and diffusers:
 *
 *     REELAY_PYTHON=… npm run bench:torch [-- pairs]
 */

import { spawn } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseSubmission } from '#core/video-request.ts';
import { openBareInference } from '#gpu-container/render/bare-inference.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { ownPlace } from '#test/core/places.ts';

const PAIRS = Number(process.argv[2] ?? 20);
const ROOT = join(import.meta.dirname, '../..');
const BUNDLE = join(ROOT, 'models/reelay-mini');
const threads = Math.max(1, Math.min(4, availableParallelism()));
const python = process.env.REELAY_PYTHON ?? 'python3';

const child = spawn(python, [join(ROOT, 'exporter/oracle/torch_clip.py'), String(threads), BUNDLE], {
  stdio: ['pipe', 'pipe', 'ignore'],
});
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const hello = await lines.next();
if (hello.done) {
  console.error(`!! skipped: ${python} has no torch and diffusers; set REELAY_PYTHON.`);
  process.exit(1);
}
const torchMs = async () => {
  child.stdin.write('clip\n');
  return Number((await lines.next()).value);
};

const card = await readModelCard(BUNDLE);
const { request } = parseSubmission({ prompt: 'a red circle bouncing over a dark blue background' }, [card], {
  seed: 1,
  nowMs: null,
  checkUrl: () => undefined,
  residency: ownPlace,
});
const bare = await openBareInference({ folder: BUNDLE, threads });
for (let warm = 0; warm < 3; warm++) {
  await bare.run(request);
  await torchMs();
}
const pairs: { ours: number; torch: number }[] = [];
for (let i = 0; i < PAIRS; i++) pairs.push({ ours: await bare.run({ ...request, seed: i }), torch: await torchMs() });
await bare.release();
child.stdin.end();

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const ratios = pairs.map(({ ours, torch }) => torch / ours);
console.log(`${cpus()[0]?.model}, ${threads} threads, ${PAIRS} pairs, torch ${String(hello.value).split(' ')[1]}`);
console.log(
  `ours ${median(pairs.map(p => p.ours)).toFixed(0)} ms, torch ${median(pairs.map(p => p.torch)).toFixed(0)} ms (medians)`,
);
console.log(
  `torch / ours: median ${median(ratios).toFixed(2)}, ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
);

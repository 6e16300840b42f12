/**
 * What checkpoints cost: the bundled model's default job in one warm child, with and without, in pairs of changing order so that
 * whatever else the machine does touches both. The median of the pairs' ratios counts.
 *
 *     node test/render/checkpoint-cost.ts [pairs] [steps]
 */
import { availableParallelism, cpus } from 'node:os';
import { limits } from '#core/limits.ts';
import type { CheckpointRule } from '#gpu-container/render/protocol.ts';
import { startChild } from './child.ts';

const PAIRS = Number(process.argv[2] ?? 30);
const STEPS = Number(process.argv[3] ?? 12);
const THREADS = Math.max(1, Math.min(4, availableParallelism()));
const OFF: CheckpointRule = { everySteps: 0, everyMs: 0 };
const RULES: Readonly<Record<string, CheckpointRule>> = {
  'no checkpoints (the error of this method)': OFF,
  'the default cadence': { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
  'every step': { everySteps: 1, everyMs: 0 },
};

const child = startChild(undefined, THREADS);
await child.heard('ready');

let runs = 0;
async function jobMs(seed: number, checkpoint: CheckpointRule): Promise<number> {
  const taskId = `${runs++}`;
  const startedMs = performance.now();
  await child.render(taskId, { seed, num_inference_steps: STEPS }, { checkpoint });
  await child.heard('done', taskId);
  child.messages.length = 0;
  return performance.now() - startedMs;
}

const quantile = (values: number[], at: number) => values.toSorted((a, b) => a - b)[Math.floor(at * values.length)]!;

await jobMs(0, OFF);
console.log(`${PAIRS} pairs of ${STEPS} steps, ${THREADS} threads, ${cpus()[0]?.model ?? 'unknown CPU'}`);
for (const [name, rule] of Object.entries(RULES)) {
  const ratios: number[] = [];
  const plain: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const order = pair % 2 === 0 ? [OFF, rule] : [rule, OFF];
    const [first, second] = [await jobMs(pair, order[0]!), await jobMs(pair, order[1]!)];
    const [without, withThem] = pair % 2 === 0 ? [first, second] : [second, first];
    ratios.push(withThem / without);
    plain.push(without);
  }
  const [low, median, high] = [0.25, 0.5, 0.75].map(at => quantile(ratios, at).toFixed(3));
  console.log(
    `${name.padEnd(44)} × ${median}  (quartiles ${low} to ${high}; ${quantile(plain, 0.5).toFixed(0)} ms without)`,
  );
}
child.process.kill('SIGKILL');

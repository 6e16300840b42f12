/**
 * What the product costs on top of the networks: 20 default jobs in a row through HTTP, queue, worker, encoder and stores, over the
 * same requests as bare inference in one process. Paired: job i of one follows job i of the other, so that whatever else the machine
 * does touches both.
 *
 *     npm run bench [-- jobs [preset]]
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSubmission } from '#core/video-request.ts';
import { openBareInference } from '#gpu-container/render/bare-inference.ts';
import { serve } from '#local/serve.ts';
import { ownPlace } from '#test/core/places.ts';

const JOBS = Number(process.argv[2] ?? 20);
const asked = {
  prompt: 'a yellow star spinning over a dark green background',
  ...(process.argv[3] === undefined ? {} : { preset: process.argv[3] }),
};
const LOOK_EVERY_MS = 10;
const MOST_LOOKS = 6_000;

const folder = await mkdtemp(join(tmpdir(), 'reelay-bench-'));
const serving = await serve({ dataFolder: folder, port: 0, studio: false });
const { bundles, deps } = serving.embedded;
const threads = Math.max(1, Math.min(4, availableParallelism()));
const bare = await openBareInference({ folder: bundles[0]!.folder, threads });

async function endToEndMs(seed: number): Promise<number> {
  const startedMs = performance.now();
  const body = JSON.stringify({ ...asked, seed });
  const post = await fetch(`${serving.url}/v1/videos`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  const { id } = (await post.json()) as { id: string };
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { status } = (await (await fetch(`${serving.url}/v1/videos/${id}`)).json()) as { status: string };
    if (status === 'completed') break;
    if (status === 'failed') throw new Error('the job failed');
    await sleep(LOOK_EVERY_MS);
  }
  await (await fetch(`${serving.url}/v1/videos/${id}/content`)).arrayBuffer();
  return performance.now() - startedMs;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

await endToEndMs(0); // loads the model in the child
const rows: { whole: number; inference: number }[] = [];
for (let seed = 1; seed <= JOBS; seed++) {
  const request = parseSubmission({ ...asked, seed }, deps.models, {
    seed,
    nowMs: Date.now(),
    checkUrl: () => undefined,
    residency: ownPlace,
  }).request;
  const inference = await bare.run(request);
  rows.push({ whole: await endToEndMs(seed), inference });
}
await bare.release();
await serving.close();
await rm(folder, { recursive: true, force: true });

const ratios = rows.map(row => row.whole / row.inference);
const say = (name: string, values: number[], unit: string) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  console.log(
    `${name.padEnd(28)} median ${median(values).toFixed(2)} ${unit}  (${least.toFixed(2)} to ${most.toFixed(2)})`,
  );
};
console.log(
  `${JOBS} jobs in a row, ${threads} threads, ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores`,
);
say(
  'end to end, with download',
  rows.map(row => row.whole / 1000),
  's',
);
say(
  'bare inference',
  rows.map(row => row.inference / 1000),
  's',
);
say('end to end / bare inference', ratios, '×');

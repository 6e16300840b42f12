/**
 * R6, overhead: what checkpoints cost. Pairs of equal jobs, one with the product's own cadence and one without checkpoints, in turn first
 * and second, on one warm render child and one data folder; timed from the taking of the job to its ack. The figure is the median of the
 * ratios, which a few disturbed pairs do not move.
 */
import { limits } from '#core/limits.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { openWorkerBench, type WorkerBench } from '#test/worker/worker-bench.ts';
import { median, percentile, type Result, round, within } from './result.ts';
import type { Stage } from './stage.ts';

const NEVER = new AbortController().signal;
const WITH: WorkerPorts['checkpointCadence'] = {
  everySteps: limits.checkpointEverySteps,
  everyMs: limits.checkpointEveryMs,
};
const WITHOUT = { everySteps: 0, everyMs: 0 };

export async function runOverhead(stage: Stage, scale: number): Promise<Result> {
  const pairs = Math.max(4, Math.round(100 * scale));
  const mini = await stage.models('reelay-mini');
  const fast = await stage.models({ blocks: 300 }); // some 9 ms a step
  const subjects = [
    { name: 'reelay-mini, 12 steps', modelsFolder: mini, steps: 12 },
    { name: 'reelay-mini, 50 steps', modelsFolder: mini, steps: 50 },
    { name: 'fast bundle, 50 steps', modelsFolder: fast, steps: 50 },
  ];
  const found = [];
  for (const subject of subjects) found.push({ ...subject, ...(await compare(stage, subject, pairs)) });
  return {
    id: 'R6o',
    title: `overhead of checkpoints every ${WITH.everySteps} steps, ${pairs} pairs each`,
    goals: found.map(({ name, overheadPercent }) => within(name, overheadPercent, 3, '%')),
    figures: Object.fromEntries(found.map(({ name, modelsFolder: _, ...rest }) => [name, rest])),
  };
}

async function compare(stage: Stage, subject: { name: string; modelsFolder: string; steps: number }, pairs: number) {
  const bench = await openWorkerBench({ modelsFolder: subject.modelsFolder });
  try {
    const { steps } = subject;
    await timed(bench, steps, WITH); // loads the model
    const ratios: number[] = [];
    const plain: number[] = [];
    stage.note(() => `${subject.name}: ${ratios.length} of ${pairs} pairs`);
    for (let pair = 0; pair < pairs; pair++) {
      stage.over.throwIfAborted();
      const order = pair % 2 === 0 ? [WITH, WITHOUT] : [WITHOUT, WITH];
      const ms = new Map<object, number>();
      for (const cadence of order) ms.set(cadence, await timed(bench, steps, cadence));
      ratios.push(ms.get(WITH)! / ms.get(WITHOUT)!);
      plain.push(ms.get(WITHOUT)!);
    }
    const quartiles = [0.25, 0.75].map(share => round(100 * (percentile(ratios, share) - 1)));
    return { overheadPercent: round(100 * (median(ratios) - 1)), quartiles, jobMs: round(median(plain)) };
  } finally {
    await bench.close();
  }
}

async function timed(bench: WorkerBench, steps: number, checkpointCadence: typeof WITH): Promise<number> {
  const { id } = await bench.submit({ num_inference_steps: steps });
  const delivery = await bench.receive();
  const startedMs = performance.now();
  await processJob({ ...bench.ports, checkpointCadence }, delivery, NEVER);
  const ms = performance.now() - startedMs;
  if ((await bench.job(id)).status !== 'completed') throw new Error('the job did not complete');
  return ms;
}

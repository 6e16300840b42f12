import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { FromChild } from '#gpu-container/render/protocol.ts';
import { type Pipeline, startTask } from '#gpu-container/render/render-task.ts';
import { testMarking } from '#test/worker/marks-for.ts';
import { REQUEST } from './child.ts';

test('a phase of many long network runs tells the supervisor that it goes on', async () => {
  const said: FromChild[] = [];
  const files = {} as never;
  const marked = {} as never;
  const timings = {} as never;
  const warnings = [] as never;
  const pipeline: Pipeline = {
    model: { bundle: { digest: 'd'.repeat(64) } } as never,
    render: async (_request, _folder, options) => {
      options.onProgress?.('decoding', 0, 0);
      for (let run = 0; run < 12; run++) {
        await options.checkpoint?.();
        await sleep(200);
      }
      return { files, marked, timings, warnings };
    },
  };
  const checkpoint = { everySteps: 0, everyMs: 0 };
  const message = {
    type: 'render',
    taskId: 't',
    request: REQUEST,
    folder: '/nowhere',
    checkpoint,
    marking: testMarking,
  } as const;
  const task = startTask(pipeline, message, one => void said.push(one));
  expect((await task.answer).type).toBe('done');
  expect(said.filter(({ type }) => type === 'progress')).toHaveLength(1);
  const alive = said.filter(({ type }) => type === 'alive').length;
  expect(alive).toBeGreaterThanOrEqual(1);
  expect(alive).toBeLessThanOrEqual(3);
});

/**
 * @file The render child: holds one model, renders one task at a time, and can be killed at any moment. Started by the supervisor
 * as `fork(render-process.ts, [bundle folder, threads], { serialization: 'advanced' })`; speaks protocol.ts.
 *
 *     loading -> idle -> rendering -> idle …      loading -> exit 1 on a bad bundle      any -> exit 0 when the channel closes
 *
 * Inference blocks the event loop, so between steps the loop is let run once: that is when a cancel is read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { openModel } from './model.ts';
import type { FromChild, ToChild } from './protocol.ts';
import { createTextToVideo, type TextToVideo } from './text-to-video.ts';

interface Current {
  readonly taskId: string;
  cancelled: boolean;
}

const send = (message: FromChild): Promise<void> =>
  new Promise(resolve => {
    if (process.connected) process.send!(message, () => resolve());
    else resolve(); // nobody is left to tell; 'disconnect' ends the process
  });

async function main(): Promise<void> {
  if (process.send === undefined) {
    process.stderr.write('render-process is started by the worker: it needs the channel of child_process.fork.\n');
    process.exit(2);
  }
  process.on('disconnect', () => process.exit(0));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined); // Ctrl-C reaches the whole group
  const [folder = '', threads = '1'] = process.argv.slice(2);
  const started = performance.now();
  try {
    const bundle = await loadBundle(folder);
    const model = await openModel(bundle, createOrtBackend({ threads: Number(threads) }));
    serve(createTextToVideo(model));
    const loadMs = performance.now() - started;
    await send({ type: 'ready', bundleId: bundle.card.id, digest: bundle.digest, loadMs });
  } catch (error) {
    await send(failure(null, error));
    process.exit(1);
  }
}

function serve(render: TextToVideo): void {
  let current: Current | undefined;
  process.on('message', async (message: ToChild) => {
    if (message.type === 'cancel') {
      if (current?.taskId === message.taskId) current.cancelled = true;
      return;
    }
    if (current !== undefined) {
      const busy = new ReelayError('conflict', `The renderer is busy with task ${current.taskId}.`);
      await send(failure(message.taskId, busy));
      return;
    }
    const task = { taskId: message.taskId, cancelled: false };
    current = task;
    const answer = await renderTask(render, message, task);
    current = undefined; // before the answer: whoever reads it may send the next task at once
    await send(answer);
  });
}

async function renderTask(
  render: TextToVideo,
  { taskId, request, folder }: Extract<ToChild, { type: 'render' }>,
  task: Current,
): Promise<FromChild> {
  try {
    const rendering = await render(request, folder, {
      onProgress: (phase, step, steps) => void send({ type: 'progress', taskId, phase, step, steps }),
      checkpoint: async () => {
        await nextTurn();
        if (task.cancelled) throw new ReelayError('cancelled', 'The job was cancelled.');
      },
    });
    return { type: 'done', taskId, ...rendering };
  } catch (error) {
    if (error instanceof ReelayError && error.code === 'cancelled') return { type: 'cancelled', taskId };
    return failure(taskId, error);
  }
}

/** The supervisor gets a code it can act on; what is not ours is `render_failed`, worth another try on another machine. */
function failure(taskId: string | null, error: unknown): FromChild {
  const foreign = new ReelayError('render_failed', 'The renderer failed unexpectedly; the log says where.');
  const known = error instanceof ReelayError ? error : foreign;
  const { code, message, retryable } = known;
  const detail = known === error ? {} : { detail: placeOf(error).join(' ') };
  return { type: 'failed', taskId, code, message, retryable, ...detail };
}

await main();

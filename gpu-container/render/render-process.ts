/**
 * @file The render child: holds one model, renders one task at a time, and can be killed at any moment. Started by the supervisor
 * as `fork(render-process.ts, [bundle folder, threads, provider], { serialization: 'advanced' })`; speaks protocol.ts.
 *
 *     loading -> idle -> rendering -> idle …      loading -> exit 1 on a bad bundle      any -> exit 0 when the channel closes
 */
import { ReelayError } from '#core/errors.ts';
import { type Provider, whyUnfit } from '#core/provider.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { whyPartlyElsewhere } from '#gpu-container/runtime/first-run.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend, type OrtOptions } from '#gpu-container/runtime/ort-backend.ts';
import { openModel } from './model.ts';
import type { FromChild, ToChild } from './protocol.ts';
import { failure, type Pipeline, type RunningTask, startTask } from './render-task.ts';
import { createVideoPipeline } from './video-pipeline.ts';

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
  const [folder = '', threads = '1', asked = 'cpu'] = process.argv.slice(2);
  const provider: Provider = asked === 'cuda' ? 'cuda' : 'cpu';
  const started = performance.now();
  const library = openLibrary();
  void library.warm(); // beside the model: a first video does not wait for it
  try {
    const bundle = await loadBundle(folder);
    const unfit = whyUnfit(bundle.card.id, bundle.card.requires, { provider, memoryBytes: undefined });
    if (unfit !== undefined) throw new ReelayError('provider_unavailable', unfit);
    const model = await openModel(
      bundle,
      createOrtBackend({ threads: Number(threads), provider, onFirstRun: tellerOf(provider) }),
    );
    serve({ model, render: createVideoPipeline(model, library) });
    const loadMs = performance.now() - started;
    await send({ type: 'ready', bundleId: bundle.card.id, digest: bundle.digest, loadMs });
  } catch (error) {
    await send(failure(null, error));
    process.exit(1);
  }
}

/** On a GPU, of each graph that leaves real work to the CPU: it renders, and costs what it should not. */
function tellerOf(provider: Provider): OrtOptions['onFirstRun'] {
  if (provider === 'cpu') return undefined;
  return (graph, nodes) => {
    const why = whyPartlyElsewhere(graph, provider, nodes);
    if (why !== undefined) void send({ type: 'partly_elsewhere', why });
  };
}

function serve(pipeline: Pipeline): void {
  let current: { readonly taskId: string; readonly task: RunningTask } | undefined;
  process.on('message', async (message: ToChild) => {
    const { taskId } = message;
    if (message.type !== 'render') {
      if (current?.taskId !== taskId) return;
      if (message.type === 'signature') current.task.signature(message);
      else current.task[message.type]();
      return;
    }
    if (current !== undefined) {
      const busy = new ReelayError('conflict', `The renderer is busy with task ${current.taskId}.`);
      await send(failure(taskId, busy));
      return;
    }
    const task = startTask(pipeline, message, said => void send(said));
    current = { taskId, task };
    const answer = await task.answer;
    current = undefined; // before the answer: whoever reads it may send the next task at once
    await send(answer);
  });
}

await main();

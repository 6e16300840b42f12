/** Ports that fail, dawdle or set traps, around the real ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { BlobStore, EventBus, JobQueue, JobStore } from '#core/ports.ts';
import type { Renderer, RenderOptions } from '#gpu-container/worker/renderer.ts';

/** Calls `around` for each call of a port, which decides when, and whether, it is done. */
export function aroundEach<T extends object>(
  port: T,
  around: (name: string, call: () => Promise<unknown>) => Promise<unknown>,
): T {
  const wrapped = Object.entries(port).map(([name, method]) => [
    name,
    (...args: unknown[]) => around(name, () => method.apply(port, args)),
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** Half of the delay before the call and half before its answer: what was asked is done long before it is known. */
export function slowed(ports: SubmitPorts, storeMs: number, blobsMs: number): SubmitPorts {
  const late = (ms: number) => async (_: string, call: () => Promise<unknown>) => {
    await sleep(ms / 2);
    const answer = await call();
    await sleep(ms / 2);
    return answer;
  };
  return {
    ...ports,
    store: aroundEach(ports.store, late(storeMs)),
    kv: aroundEach(ports.kv, late(storeMs)),
    blobs: aroundEach(ports.blobs, late(blobsMs)),
  };
}

/** Told of each point that a job reaches (see Trap in worker-setup.ts); what it does, it does before the job goes on. */
export type Reached = (point: string, jobId: string, attempt: number) => void;

/** The ports of one worker, which has one job at a time. */
export function watched(ports: SubmitPorts, reached: Reached): SubmitPorts {
  const current = { jobId: '', attempt: 0 };
  return {
    ...ports,
    store: watchedStore(ports.store, reached, current),
    blobs: watchedBlobs(ports.blobs, reached),
    events: watchedEvents(ports.events, reached),
    queue: watchedQueue(ports.queue, reached, current),
  };
}

interface Current {
  jobId: string;
  attempt: number;
}

function watchedStore(store: JobStore, reached: Reached, current: Current): JobStore {
  return {
    ...store,
    async transition(id, expected, change) {
      if (change.status === 'completed') reached('commit', id, expected.attempt);
      const after = await store.transition(id, expected, change);
      if (after === undefined) return after;
      if (change.status === 'in_progress') Object.assign(current, { jobId: id, attempt: after.attempt });
      if (change.status === 'completed') reached('committed', id, expected.attempt);
      return after;
    },
  };
}

function watchedBlobs(blobs: BlobStore, reached: Reached): BlobStore {
  return {
    ...blobs,
    async put(key, bytes, options) {
      const { jobId, attempt, file } = partsOf(key);
      reached(`put:${file}`, jobId, attempt);
      const stored = await blobs.put(key, bytes, options);
      reached(`stored:${file}`, jobId, attempt);
      return stored;
    },
  };
}

/** `videos/tenant/id/attempt=2/video.mp4` or `videos/tenant/id/checkpoint/attempt=2-step=7/state.bin` */
function partsOf(key: string): { jobId: string; attempt: number; file: string } {
  const [, , jobId = '', folder = ''] = key.split('/');
  const attempt = Number(/attempt=(\d+)/.exec(key)?.[1]);
  return { jobId, attempt, file: folder === 'checkpoint' ? 'checkpoint' : key.slice(key.lastIndexOf('/') + 1) };
}

function watchedEvents(events: EventBus, reached: Reached): EventBus {
  return {
    async publish(event) {
      const { attempt = 0 } = event.data as { attempt?: number };
      reached('event', event.subject, attempt);
      await events.publish(event);
      reached('published', event.subject, attempt);
    },
  };
}

function watchedQueue(queue: JobQueue, reached: Reached, current: Current): JobQueue {
  return {
    ...queue,
    async ack(delivery) {
      reached('ack', current.jobId, current.attempt);
      return queue.ack(delivery);
    },
  };
}

/** The renderer, telling what the child reports before the worker hears it. */
export function watchedRenderer(renderer: Renderer, reached: Reached): Renderer {
  return {
    ...renderer,
    render(task, options: RenderOptions) {
      const [jobId = '', attempt] = task.taskId.split('/');
      return renderer.render(task, {
        ...options,
        onProgress(progress) {
          const { phase, step } = progress;
          reached(phase === 'denoising' ? `step:${step}` : `phase:${phase}`, jobId, Number(attempt));
          options.onProgress(progress);
        },
      });
    },
  };
}

import { limits } from '#core/limits.ts';
import type { JobQueue } from '#core/ports.ts';

/**
 * Tells when a worker has nothing to do: `onIdle` is called once, when the last look at each of its queues found nothing and what was
 * found before has been worked off (a worker looks again only then). Wrap every queue with `watch` before the first look. Afterwards no
 * queue is asked again, so that no message is taken by a worker that is about to end. A look that does not wait is no proof: SQS then
 * asks a part of its servers only. One that waits a second asks all, and more would keep a GPU for nothing.
 */
export function createIdleWatch(onIdle: () => void): { watch(queue: JobQueue): JobQueue } {
  const empty = new Map<number, boolean>();
  let idle = false;
  return {
    watch: queue => {
      const own = empty.size;
      empty.set(own, false);
      return {
        ...queue,
        receive: async options => {
          if (idle) return undefined;
          const waitMs = Math.min(options.waitMs, limits.enclaveWaitMs);
          const delivery = await queue.receive({ ...options, waitMs });
          empty.set(own, delivery === undefined && waitMs > 0 && options.signal?.aborted !== true);
          if (!idle && [...empty.values()].every(Boolean)) {
            idle = true;
            onIdle();
          }
          return delivery;
        },
      };
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '#core/limits.ts';

/**
 * Waits for work to end, and once it was told to stop no longer than the drain may take: a store that hangs must not keep a process
 * beyond its stop timeout. What is left then is taken over when its lease runs out.
 */
export async function drained(work: Promise<unknown>, stop: AbortSignal): Promise<void> {
  const over = new AbortController(); // takes the timer and the listener away again
  const { signal } = over;
  const stopped = new Promise<void>(done => {
    if (stop.aborted) done();
    else stop.addEventListener('abort', () => done(), { once: true, signal });
  });
  const limit = stopped.then(() => sleep(limits.drainSeconds * 1000, undefined, { ref: false, signal }));
  try {
    await Promise.race([work, limit.catch(() => undefined)]);
  } finally {
    over.abort();
  }
}

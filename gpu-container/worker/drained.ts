import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '#core/limits.ts';

/**
 * Waits for work to end, and once it was told to stop no longer than the drain may take: a store that hangs must not keep a process
 * beyond its stop timeout. What is left then is taken over when its lease runs out.
 */
export async function drained(work: Promise<unknown>, stop: AbortSignal): Promise<void> {
  const stopped = new Promise<void>(done => stop.addEventListener('abort', () => done(), { once: true }));
  if (stop.aborted) await Promise.race([work, sleep(limits.drainSeconds * 1000, undefined, { ref: false })]);
  else await Promise.race([work, stopped.then(() => sleep(limits.drainSeconds * 1000, undefined, { ref: false }))]);
}

import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Delivery, JobQueue } from '#core/ports.ts';
import { type ByClass, partOfJob } from './enclaves.ts';

/** Between a class and the receipt that its queue gave; no class has one in its name. */
const MARK = '/';

/**
 * The queues of several residency classes as one, for a front door. A message goes to the queue of its job's class; whatever is done with
 * a delivery goes to the queue that it came from.
 */
export function composeJobQueues(queues: ByClass<JobQueue>): JobQueue {
  const all = [...queues];
  const own = (delivery: Delivery): [JobQueue, Delivery] => {
    const at = delivery.receipt.indexOf(MARK);
    const queue = queues.get(delivery.receipt.slice(0, Math.max(0, at)));
    if (queue === undefined) throw new ReelayError('lease_lost', 'This receipt is of no queue that is open here.');
    return [queue, { ...delivery, receipt: delivery.receipt.slice(at + 1) }];
  };
  let turn = 0;
  return {
    send: async (message, options) => partOfJob(queues, message.jobId).send(message, options),
    async receive({ leaseSeconds, waitMs, signal }) {
      const untilMs = performance.now() + waitMs;
      const first = turn++;
      for (let look = 0; signal?.aborted !== true; look++) {
        const leftMs = untilMs - performance.now();
        // All are asked once without waiting, then one after the other for a while.
        if (look >= all.length && leftMs <= 0) return undefined;
        const [name, queue] = all[(first + look) % all.length]!;
        const sliceMs = look < all.length ? 0 : Math.min(limits.enclaveWaitMs, Math.ceil(leftMs));
        const delivery = await queue.receive({
          leaseSeconds,
          waitMs: sliceMs,
          ...(signal === undefined ? {} : { signal }),
        });
        if (delivery !== undefined) return { ...delivery, receipt: `${name}${MARK}${delivery.receipt}` };
      }
      return undefined;
    },
    extend: async (delivery, seconds) => {
      const [queue, itsOwn] = own(delivery);
      return queue.extend(itsOwn, seconds);
    },
    release: async (delivery, delaySeconds) => {
      const [queue, itsOwn] = own(delivery);
      return queue.release(itsOwn, delaySeconds);
    },
    ack: async delivery => {
      const [queue, itsOwn] = own(delivery);
      return queue.ack(itsOwn);
    },
    async depth() {
      const depths = await Promise.all(all.map(([, queue]) => queue.depth()));
      return depths.reduce((total, depth) => total + depth, 0);
    },
    async peek(limit) {
      const seen = await Promise.all(all.map(([, queue]) => queue.peek(limit)));
      return seen.flat().slice(0, limit);
    },
  };
}

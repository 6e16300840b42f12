import { limits } from '../limits.ts';
import { type RelayPorts, relay } from './relay.ts';
import { sweepEach } from './sweep.ts';
import { endMissedDeadline } from './take.ts';

/** Fails queued jobs whose deadline has passed. Returns how many it looked at. */
export async function sweepDeadlines(ports: RelayPorts): Promise<number> {
  const nowMs = ports.now();
  return sweepEach(await ports.store.listDeadlinesMissed(nowMs, limits.sweepBatch), async job => {
    const ended = await endMissedDeadline(ports.store, job, nowMs);
    if (ended !== undefined) await relay(ports, ended).catch(() => undefined); // the record owes it
  });
}

import { placeOf, ReelayError } from '../errors.ts';
import type { KeyValueEntry, StopSignal } from '../ports.ts';
import { LANE_KIND, laneOf } from './lane.ts';
import type { DispatchPorts } from './ports.ts';
import { visitLane } from './visit-lane.ts';
import { webhookLimits, webhookTiming } from './webhook-limits.ts';

/** Serves due lanes beside one another. One that is slow or silent keeps its own place and nobody else's. */
export interface Dispatcher {
  /** Starts a turn for each due lane that finds a place, and does not wait for them. Returns how many it started. */
  round(): Promise<number>;
  /** Resolves when all started turns are over, with the sends they made since the last call. */
  idle(): Promise<number>;
}

interface Turn {
  readonly tenant: string;
  readonly sick: boolean;
  readonly over: Promise<void>;
}

/** A dispatcher of one process; several processes may have one each, a lane is with one of them at a time. */
export function createDispatcher(ports: DispatchPorts, isStopping: () => boolean = () => false): Dispatcher {
  const turns = new Map<string, Turn>();
  let sent = 0;

  function hasPlace(tenant: string, sick: boolean): boolean {
    const same = [...turns.values()].filter(turn => turn.sick === sick);
    const places = sick ? webhookLimits.sickLanes : webhookLimits.wellLanes;
    return same.length < places && same.filter(turn => turn.tenant === tenant).length < webhookLimits.tenantLanes;
  }

  function start(entry: KeyValueEntry, tenant: string, sick: boolean): void {
    const key = `${entry.space}/${entry.name}`;
    const over = visitLane(ports, entry, isStopping).then(
      made => {
        sent += made;
        turns.delete(key);
      },
      error => {
        turns.delete(key);
        complain(ports, 'webhook turn failed', error); // held until its time is over, then due again
      },
    );
    turns.set(key, { tenant, sick, over });
  }

  return {
    async round() {
      let started = 0;
      const due = await ports.kv.listDue(LANE_KIND, ports.now(), webhookLimits.laneBatch);
      for (const entry of due) {
        const tenant = entry.space.slice(LANE_KIND.length + 1);
        const { sick } = laneOf(entry);
        if (isStopping() || turns.has(`${entry.space}/${entry.name}`)) continue;
        if (hasPlace(tenant, sick)) {
          start(entry, tenant, sick);
          started++;
        } else if (due.length === webhookLimits.laneBatch) await standBack(ports, entry);
      }
      return started;
    },
    async idle() {
      while (turns.size > 0) await Promise.all([...turns.values()].map(turn => turn.over));
      const made = sent;
      sent = 0;
      return made;
    },
  };
}

const STAND_BACK_MS = 1_000;

/** The list is full of lanes that found no place: this one lets those behind it come into view. */
async function standBack(ports: DispatchPorts, entry: KeyValueEntry): Promise<void> {
  await ports.kv.replace({ ...entry, dueAtMs: ports.now() + STAND_BACK_MS });
}

/**
 * One turn for up to `limit` due lanes, and waits for all of them: for tests and for functions that run now and then. Returns the
 * sends it made.
 */
export async function deliverDue(ports: DispatchPorts, limit: number): Promise<number> {
  const due = await ports.kv.listDue(LANE_KIND, ports.now(), limit);
  let sent = 0;
  const waiting = [...due];
  const work = async () => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift())
      sent += await visitLane(ports, entry);
  };
  await Promise.all(Array.from({ length: Math.min(webhookLimits.wellLanes, due.length) }, work));
  return sent;
}

/** Dispatches until stopped, then waits for the sends that are under way. A store that is out is waited for. */
export async function runDispatcher(ports: DispatchPorts, stop: StopSignal): Promise<void> {
  const { pollMs } = ports.timing ?? webhookTiming;
  const dispatcher = createDispatcher(ports, () => stop.aborted);
  for (let waitMs = pollMs; !stop.aborted; await ports.sleep(waitMs)) {
    try {
      await dispatcher.round();
      waitMs = pollMs;
    } catch (error) {
      complain(ports, 'webhook round failed', error);
      waitMs = Math.min(2 * waitMs, 100 * pollMs);
    }
  }
  await dispatcher.idle();
}

function complain(ports: DispatchPorts, message: string, error: unknown): void {
  const code = error instanceof ReelayError ? error.code : 'internal';
  ports.log('error', message, { code, at: placeOf(error) });
}

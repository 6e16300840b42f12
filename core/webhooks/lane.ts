/**
 * A lane is all that goes to one receiver: an endpoint, or one host of a tenant's job URLs. Lanes and not deliveries are what a
 * dispatcher takes turns over, so that ten thousand deliveries to a dead receiver are one entry in the list of what is due. Its entry:
 *
 *     due at t           something may be due there at t; whoever replaces the entry first holds the lane
 *     held until t       one dispatcher works it; if it dies, the lane is due again at t
 *     due never          nothing waits
 *
 * Whoever makes a delivery due wakes the lane after it. A held lane is poked instead: its holder cannot let go of it without noticing.
 * The lists of a store may lag behind its writes, so a lane that did anything is looked at once more, settleMs later, before its
 * next due time is believed.
 */
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import { deliveryKind } from './delivery.ts';
import type { WebhookPorts } from './ports.ts';
import { type WebhookTiming, webhookLimits } from './webhook-limits.ts';

/** What a lane's entry says beside when it is due. */
export interface Lane {
  /** Names one turn of one dispatcher; null: nobody's. */
  readonly holder: string | null;
  readonly poked: boolean;
  /** The next look only confirms that nothing came meanwhile. */
  readonly settling: boolean;
  /** Its last turn brought no answer, or slow ones: it is served in the places for such. */
  readonly sick: boolean;
}

/** The kind of all lanes. */
export const LANE_KIND = 'webhook_lanes';

/** The lane of a job's URL: one for each host and port of a tenant's. An endpoint's lane is its id. */
export function laneOfUrl(ports: Pick<WebhookPorts, 'sha256'>, tenant: string, url: string): string {
  const authority = /^[^/]*\/\/([^/?#]*)/.exec(url)?.[1] ?? '';
  return `url_${ports.sha256(`${tenant}\n${authority.toLowerCase()}`).slice(0, 24)}`;
}

/** The lane of a stored entry. */
export function laneOf(entry: KeyValueEntry): Lane {
  return entry.value as Lane;
}

/** Makes a dispatcher look at the lane; to be called after the write that made a delivery due. */
export async function wakeLane(ports: Pick<WebhookPorts, 'kv' | 'now'>, tenant: string, lane: string): Promise<void> {
  const space = `${LANE_KIND}/${tenant}`;
  for (;;) {
    const nowMs = ports.now();
    const entry = await ports.kv.get(space, lane);
    if (entry === undefined) {
      const value: Lane = { holder: null, poked: false, settling: false, sick: false };
      const made = await ports.kv.create({ space, name: lane, value, dueAtMs: nowMs, expiresAtMs: null });
      if (made !== undefined) return;
      continue;
    }
    const there = laneOf(entry);
    const isHeld = there.holder !== null && (entry.dueAtMs ?? 0) > nowMs;
    const isAwake = isHeld ? there.poked : entry.dueAtMs !== null && entry.dueAtMs <= nowMs && !there.settling;
    if (isAwake) return;
    const woken = isHeld
      ? { ...entry, value: { ...there, poked: true } }
      : { ...entry, value: { ...there, settling: false }, dueAtMs: nowMs, expiresAtMs: null };
    if ((await ports.kv.replace(woken)) !== undefined) return;
  }
}

/** Takes a due lane for a turn; undefined when another dispatcher was first. */
export function holdLane(
  ports: Pick<WebhookPorts, 'kv' | 'now'>,
  entry: KeyValueEntry,
  holder: string,
  timing: WebhookTiming,
): Promise<KeyValueEntry | undefined> {
  const nowMs = ports.now();
  const value: Lane = { ...laneOf(entry), holder, poked: false };
  return ports.kv.replace({ ...entry, value, dueAtMs: nowMs + timing.holdMs, expiresAtMs: null });
}

/**
 * Ends a turn: the lane is due when its first delivery is. `busy`: the turn found something to do. `broken`: with something it threw;
 * what is still due waits then, or the same would be thrown again at once.
 */
export async function releaseLane(
  ports: Pick<WebhookPorts, 'kv' | 'now'>,
  held: KeyValueEntry,
  turn: { readonly busy: boolean; readonly broken: boolean; readonly sick: boolean },
  timing: WebhookTiming,
): Promise<void> {
  const { holder } = laneOf(held);
  let entry: KeyValueEntry | undefined = held;
  while (entry !== undefined && laneOf(entry).holder === holder) {
    const lane = laneOf(entry);
    const nowMs = ports.now();
    const nextMs = await firstDueMs(ports.kv, entry.name, nowMs);
    const settled = lane.settling && !lane.poked && !turn.busy;
    const soonMs = nowMs + timing.settleMs;
    const dueAtMs = settled ? nextMs : turn.broken ? soonMs : Math.min(nextMs ?? soonMs, soonMs);
    const value: Lane = { holder: null, poked: false, settling: !settled, sick: turn.sick };
    const expiresAtMs = dueAtMs === null ? nowMs + webhookLimits.laneDays * 86_400_000 : null;
    if ((await ports.kv.replace({ ...entry, value, dueAtMs, expiresAtMs })) !== undefined) return;
    entry = await ports.kv.get(entry.space, entry.name); // poked meanwhile, or the turn took too long and another holds it
  }
}

const FAR_MS = 10 * 365 * 86_400_000;

async function firstDueMs(kv: KeyValueStore, lane: string, nowMs: number): Promise<number | null> {
  // More than one: an index that lags may still show one that is over, which is then left out.
  const [first] = await kv.listDue(deliveryKind(lane), nowMs + FAR_MS, webhookLimits.laneBatch);
  return first?.dueAtMs ?? null;
}

import { placeOf, ReelayError } from '../errors.ts';
import type { KeyValueEntry } from '../ports.ts';
import { deliveryKind } from './delivery.ts';
import { holdLane, laneOf, releaseLane } from './lane.ts';
import type { DispatchPorts } from './ports.ts';
import { toBase64 } from './secret.ts';
import { tryDelivery } from './try-delivery.ts';
import { webhookLimits, webhookTiming } from './webhook-limits.ts';

/** What a turn came to. */
interface Tally {
  delivered: number;
  failed: number;
  /** Entries handled without a send. */
  skipped: number;
  /** Entries that threw. */
  broken: number;
  slowestMs: number;
}

/**
 * One turn of one lane: holds it, tries what is due with up to laneWidth sends at a time, lets go of it. A turn ends when nothing is
 * due any more, when its time is over or `isStopping`, and for a lane in a well one's place also with the first failure. Returns the
 * sends it made; 0 when another dispatcher has the lane.
 */
export async function visitLane(
  ports: DispatchPorts,
  listed: KeyValueEntry,
  isStopping: () => boolean = () => false,
): Promise<number> {
  const timing = ports.timing ?? webhookTiming;
  const held = await holdLane(ports, listed, toBase64(ports.random(12)), timing);
  if (held === undefined) return 0;
  const tenant = held.space.slice(held.space.indexOf('/') + 1);
  const wasSick = laneOf(held).sick;
  const tally: Tally = { delivered: 0, failed: 0, skipped: 0, broken: 0, slowestMs: 0 };
  const endMs = ports.now() + timing.turnMs;
  const isOver = () => isStopping() || ports.now() >= endMs || (!wasSick && tally.failed > 0);
  const take = dueDeliveries(ports, held.name, isOver);
  const work = async () => {
    for (let entry = await take(); entry !== undefined; entry = await take()) await count(ports, tenant, entry, tally);
  };
  await Promise.all(Array.from({ length: webhookLimits.laneWidth }, work));
  const sent = tally.delivered + tally.failed;
  const isSick = sent === 0 ? wasSick : tally.delivered === 0 || tally.slowestMs > timing.slowMs;
  const broken = tally.broken > 0;
  await releaseLane(ports, held, { busy: sent + tally.skipped > 0 || broken, broken, sick: isSick }, timing);
  return sent;
}

async function count(ports: DispatchPorts, tenant: string, entry: KeyValueEntry, tally: Tally): Promise<void> {
  try {
    const result = await tryDelivery(ports, tenant, entry);
    if (result.kind === 'skipped') {
      tally.skipped++;
      return;
    }
    if (result.delivered) tally.delivered++;
    else tally.failed++;
    tally.slowestMs = Math.max(tally.slowestMs, result.ms);
  } catch (error) {
    // The claim runs out and it is tried again. One that cannot be handled must not keep the lane's others.
    tally.broken++;
    const code = error instanceof ReelayError ? error.code : 'internal';
    ports.log('error', 'webhook try failed', { tenant, lane: entry.space, code, at: placeOf(error) });
  }
}

/** Hands out a lane's due deliveries one by one, each version of each once: a list that lags shows what was taken already. */
function dueDeliveries(
  ports: DispatchPorts,
  lane: string,
  isOver: () => boolean,
): () => Promise<KeyValueEntry | undefined> {
  const seen = new Set<string>();
  let ready: KeyValueEntry[] = [];
  const next = async () => {
    if (isOver()) return undefined;
    if (ready.length === 0) {
      const listed = await ports.kv.listDue(deliveryKind(lane), ports.now(), webhookLimits.deliveryBatch);
      ready = listed.filter(entry => !seen.has(`${entry.name}@${entry.version}`));
    }
    const entry = ready.shift();
    if (entry !== undefined) seen.add(`${entry.name}@${entry.version}`);
    return entry;
  };
  let before: Promise<unknown> = Promise.resolve();
  return () => {
    const mine = before.then(next);
    before = mine.catch(() => undefined);
    return mine;
  };
}

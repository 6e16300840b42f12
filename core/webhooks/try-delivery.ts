/** One try of one delivery: claim, send, write down what came of it. */
import type { KeyValueEntry } from '../ports.ts';
import { readDefaultSecrets } from './default-secret.ts';
import {
  type DeadReason,
  type DeliveryTry,
  deliveryId,
  deliveryOf,
  forgetAtMs,
  nextTryMs,
  type WebhookDelivery,
  withTry,
} from './delivery.ts';
import { countDeath, tellDeath } from './delivery-death.ts';
import { endpointOf, endpointSpace } from './endpoint.ts';
import { changeEndpoint } from './endpoints.ts';
import type { DispatchPorts, SendResult } from './ports.ts';
import { type SigningSecrets, signedHeaders } from './secret.ts';
import { maxTries, type WebhookTiming, webhookTiming } from './webhook-limits.ts';

/** What a try was: `sent` tells whether it got through, `skipped` that there was nothing to send or another has it. */
export type TryResult =
  | { readonly kind: 'sent'; readonly delivered: boolean; readonly ms: number }
  | { readonly kind: 'skipped' };

const SKIPPED: TryResult = { kind: 'skipped' };

/** Does what is due of a listed delivery. Throws only what the store, the event bus or a bug throws. */
export async function tryDelivery(ports: DispatchPorts, tenant: string, listed: KeyValueEntry): Promise<TryResult> {
  const timing = ports.timing ?? webhookTiming;
  const delivery = deliveryOf(listed);
  if (delivery.state === 'dead') {
    await tellDeath(ports, tenant, listed);
    return SKIPPED;
  }
  const receiver = await receiverOf(ports, tenant, listed);
  if ('reason' in receiver) {
    await end(ports, listed, delivery, receiver.reason);
    return SKIPPED;
  }
  const died = receiver.died ?? overdue(delivery, timing, ports.now());
  if (died !== undefined) {
    await kill(ports, tenant, listed, delivery, died);
    return SKIPPED;
  }
  const atMs = ports.now();
  const claim = { ...delivery, tries: delivery.tries + 1, triedSinceMs: delivery.triedSinceMs ?? atMs };
  const claimed = await ports.kv.replace({ ...listed, value: claim, dueAtMs: atMs + timing.claimMs });
  if (claimed === undefined) return SKIPPED;
  const headers = signedHeaders(ports, receiver.secrets, { id: delivery.eventId, body: delivery.body });
  const request = { url: receiver.url, headers, body: delivery.body, timeoutMs: timing.timeoutMs };
  const result = await ports.sender.send(request);
  await record(ports, tenant, claimed, { atMs, result, deadInRow: receiver.deadInRow });
  return { kind: 'sent', delivered: isDelivered(result), ms: result.ms };
}

/** Why a pending delivery gets no further try: its last was claimed by a process that died with it, or all began too long ago. */
function overdue(delivery: WebhookDelivery, timing: WebhookTiming, nowMs: number): DeadReason | undefined {
  if (delivery.tries >= maxTries(timing)) return 'tries_exhausted';
  return nowMs - (delivery.triedSinceMs ?? nowMs) > timing.giveUpMs ? 'too_old' : undefined;
}

interface Receiver {
  readonly url: string;
  readonly secrets: SigningSecrets;
  readonly deadInRow: number;
  /** What this very delivery died of, when the endpoint is disabled by it already. */
  readonly died?: DeadReason;
}

/** Read for each try: a rotated secret, a new URL and a disabled endpoint count from the next one on. */
async function receiverOf(
  ports: DispatchPorts,
  tenant: string,
  listed: KeyValueEntry,
): Promise<Receiver | { readonly reason: DeadReason }> {
  const { target } = deliveryOf(listed);
  if (target.kind === 'url') return { url: target.url, secrets: await readDefaultSecrets(ports, tenant), deadInRow: 0 };
  const entry = await ports.kv.get(endpointSpace(tenant), target.endpoint);
  if (entry === undefined) return { reason: 'endpoint_deleted' };
  const { url, secrets, disabled, deadInRow } = endpointOf(entry);
  const receiver = { url, secrets, deadInRow };
  if (disabled === null) return receiver;
  if (disabled.delivery !== deliveryId(listed)) return { reason: 'endpoint_disabled' };
  return { ...receiver, died: disabled.reason === 'gone' ? 'gone' : 'tries_exhausted' };
}

function isDelivered(result: SendResult): boolean {
  return 'status' in result && result.status >= 200 && result.status <= 299;
}

async function record(
  ports: DispatchPorts,
  tenant: string,
  claimed: KeyValueEntry,
  one: { readonly atMs: number; readonly result: SendResult; readonly deadInRow: number },
): Promise<void> {
  const { atMs, result } = one;
  const log: DeliveryTry = {
    atMs,
    status: 'status' in result ? result.status : null,
    error: 'failure' in result ? result.failure : null,
    ms: Math.round(result.ms),
  };
  const delivery = { ...deliveryOf(claimed), log: withTry(deliveryOf(claimed), log) };
  if (isDelivered(result)) {
    await end(ports, claimed, delivery, null);
    const { target } = delivery;
    if (one.deadInRow > 0 && target.kind === 'endpoint')
      await changeEndpoint(ports, tenant, target.endpoint, endpoint => ({ ...endpoint, deadInRow: 0 })).catch(
        () => undefined, // deleted meanwhile, or counted a little too high: the next delivery sets it right
      );
    return;
  }
  const dueAtMs = nextTryMs(ports.timing ?? webhookTiming, delivery.tries, ports);
  if (log.status === 410) await kill(ports, tenant, claimed, delivery, 'gone');
  else if (dueAtMs === undefined) await kill(ports, tenant, claimed, delivery, 'tries_exhausted');
  else await ports.kv.replace({ ...claimed, value: delivery, dueAtMs });
}

/** The last write of a delivery that nobody need be told of. A replace that fails lost to a later try or a replay, which stands. */
async function end(
  ports: DispatchPorts,
  entry: KeyValueEntry,
  delivery: WebhookDelivery,
  reason: DeadReason | null,
): Promise<void> {
  const nowMs = ports.now();
  const value = { ...delivery, state: reason === null ? 'delivered' : 'dead', reason, endedAtMs: nowMs };
  await ports.kv.replace({ ...entry, value, dueAtMs: null, expiresAtMs: forgetAtMs(nowMs) });
}

/** Dead, and due until that was told: the process may die between the two. If it dies before the first, the death counts twice. */
async function kill(
  ports: DispatchPorts,
  tenant: string,
  entry: KeyValueEntry,
  delivery: WebhookDelivery,
  reason: DeadReason,
): Promise<void> {
  await countDeath(ports, tenant, entry, reason);
  const nowMs = ports.now();
  const { claimMs } = ports.timing ?? webhookTiming;
  const value = { ...delivery, state: 'dead', reason, endedAtMs: nowMs };
  const killed = await ports.kv.replace({ ...entry, value, dueAtMs: nowMs + claimMs });
  if (killed !== undefined) await tellDeath(ports, tenant, killed);
}

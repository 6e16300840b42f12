/** What the death of a delivery means to its endpoint and to the operator. */
import { ReelayError } from '../errors.ts';
import type { KeyValueEntry } from '../ports.ts';
import { type DeadReason, deliveryId, deliveryOf, forgetAtMs } from './delivery.ts';
import { type DisabledReason, endpointOf, endpointSpace } from './endpoint.ts';
import { changeEndpoint } from './endpoints.ts';
import type { DispatchPorts, WebhookNotice } from './ports.ts';
import { webhookLimits } from './webhook-limits.ts';

/** Counts against the endpoint, which is disabled with the last of a row of deaths, or at once when it said 410. */
export async function countDeath(
  ports: DispatchPorts,
  tenant: string,
  entry: KeyValueEntry,
  reason: DeadReason,
): Promise<void> {
  const { target } = deliveryOf(entry);
  if (target.kind === 'url') return;
  const delivery = deliveryId(entry);
  const atMs = ports.now();
  try {
    await changeEndpoint(ports, tenant, target.endpoint, endpoint => {
      if (endpoint.disabled !== null) return endpoint;
      const deadInRow = endpoint.deadInRow + 1;
      const isOver = reason === 'gone' || deadInRow >= webhookLimits.disableAfterDead;
      const why: DisabledReason = reason === 'gone' ? 'gone' : 'failing';
      return { ...endpoint, deadInRow, disabled: isOver ? { reason: why, atMs, delivery } : null };
    });
  } catch (error) {
    if (!(error instanceof ReelayError && error.code === 'not_found')) throw error;
    // Deleted meanwhile: nothing is left to disable.
  }
}

/**
 * Tells the operator of a dead delivery, and of the endpoint if this one brought it down; then the delivery is due no more. Told again,
 * with the same ids, if the process dies before that.
 */
export async function tellDeath(ports: DispatchPorts, tenant: string, entry: KeyValueEntry): Promise<void> {
  const { target, eventId, reason, endedAtMs } = deliveryOf(entry);
  const delivery = deliveryId(entry);
  const endpoint = target.kind === 'url' ? null : target.endpoint;
  const data = { tenant, endpoint, delivery, event: eventId, reason: reason ?? 'tries_exhausted' };
  const nowMs = ports.now();
  await ports.announce(notice('webhook.delivery_dead', delivery, `evt_dead_${delivery}_${endedAtMs}`, data, nowMs));
  const stored = endpoint === null ? undefined : await ports.kv.get(endpointSpace(tenant), endpoint);
  const disabled = stored === undefined ? null : endpointOf(stored).disabled;
  if (endpoint !== null && disabled?.delivery === delivery) {
    const id = `evt_disabled_${endpoint}_${disabled.atMs}`;
    const why = { ...data, reason: disabled.reason };
    await ports.announce(notice('webhook.endpoint_disabled', endpoint, id, why, nowMs));
    ports.log('warn', 'webhook endpoint disabled', { tenant, endpoint, reason: disabled.reason });
  }
  await ports.kv.replace({ ...entry, dueAtMs: null, expiresAtMs: forgetAtMs(nowMs) });
}

function notice(
  type: WebhookNotice['type'],
  subject: string,
  id: string,
  data: WebhookNotice['data'],
  nowMs: number,
): WebhookNotice {
  const time = new Date(nowMs).toISOString();
  const datacontenttype = 'application/json';
  return { specversion: '1.0', id, source: 'reelay/webhooks', type, subject, time, datacontenttype, data };
}

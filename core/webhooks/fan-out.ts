import type { BudgetEvent, CloudEvent } from '../events.ts';
import { type DeliveryTarget, deliveryName, deliverySpace, newDelivery } from './delivery.ts';
import { readEndpoints } from './endpoints.ts';
import { laneOfUrl, wakeLane } from './lane.ts';
import type { WebhookPorts } from './ports.ts';

/**
 * Makes one durable delivery for each enabled endpoint of the event's tenant that asked for its type, and one for the URL that the job
 * brought along. Again is fine: the same event makes the same deliveries, and none twice.
 */
export async function enqueueDeliveries(
  ports: WebhookPorts,
  event: CloudEvent | BudgetEvent,
  webhookUrl: string | null,
): Promise<void> {
  const { tenant } = event.data;
  if (tenant === null) return; // the installation's budget is no tenant's business
  for (const endpoint of await readEndpoints(ports, tenant))
    if (endpoint.disabled === null && endpoint.eventTypes.includes(event.type))
      await enqueue(ports, tenant, event, endpoint.id, { kind: 'endpoint', endpoint: endpoint.id });
  if (webhookUrl !== null)
    await enqueue(ports, tenant, event, laneOfUrl(ports, tenant, webhookUrl), { kind: 'url', url: webhookUrl });
}

async function enqueue(
  ports: WebhookPorts,
  tenant: string,
  event: CloudEvent | BudgetEvent,
  lane: string,
  target: DeliveryTarget,
): Promise<void> {
  const nowMs = ports.now();
  await ports.kv.create({
    space: deliverySpace(tenant, lane),
    name: deliveryName(event),
    value: newDelivery(event, target, nowMs),
    expiresAtMs: null,
    dueAtMs: nowMs,
  });
  // Also when it was there: the process that made it may have died before this.
  await wakeLane(ports, tenant, lane);
}

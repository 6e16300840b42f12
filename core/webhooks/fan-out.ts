import type { CloudEvent } from '../events.ts';
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
  event: CloudEvent,
  webhookUrl: string | null,
): Promise<void> {
  const { tenant } = event.data;
  for (const endpoint of await readEndpoints(ports, tenant))
    if (endpoint.disabled === null && endpoint.eventTypes.includes(event.type))
      await enqueue(ports, event, endpoint.id, { kind: 'endpoint', endpoint: endpoint.id });
  if (webhookUrl !== null)
    await enqueue(ports, event, laneOfUrl(ports, tenant, webhookUrl), { kind: 'url', url: webhookUrl });
}

async function enqueue(ports: WebhookPorts, event: CloudEvent, lane: string, target: DeliveryTarget): Promise<void> {
  const { tenant } = event.data;
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

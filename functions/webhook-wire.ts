import type { LoggedDelivery } from '#core/webhooks/delivery-log.ts';
import type { WebhookEndpoint } from '#core/webhooks/endpoint.ts';
import { secretHint } from '#core/webhooks/secret.ts';

/**
 * The endpoint of the webhooks API (`openai` client 7.55.0, resources/webhooks/webhooks.d.ts, `WebhookEndpoint`), then our additions:
 * whether it is told of events, and why not.
 */
export function toEndpoint(endpoint: WebhookEndpoint) {
  const { disabled } = endpoint;
  return {
    id: endpoint.id,
    object: 'webhook_endpoint',
    name: endpoint.name,
    url: endpoint.url,
    event_types: endpoint.eventTypes,
    signing_secret_hint: secretHint(endpoint.secrets),
    created_at: seconds(endpoint.createdAtMs),
    updated_at: seconds(endpoint.updatedAtMs),
    enabled: disabled === null,
    disabled_reason: disabled?.reason ?? null,
    disabled_at: disabled === null ? null : seconds(disabled.atMs),
  };
}

/** `WebhookEndpointWithSecret`: of a create and a rotation only. */
export function toEndpointWithSecret(endpoint: WebhookEndpoint) {
  return { ...toEndpoint(endpoint), signing_secret: endpoint.secrets.current };
}

/** A delivery with its tries; ours. */
export function toDelivery(delivery: LoggedDelivery) {
  const { target } = delivery;
  return {
    id: delivery.id,
    object: 'webhook_delivery',
    webhook_endpoint_id: target.kind === 'endpoint' ? target.endpoint : null,
    webhook_url: target.kind === 'url' ? target.url : null,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    status: delivery.state,
    reason: delivery.reason,
    tries: delivery.tries,
    created_at: seconds(delivery.createdAtMs),
    ended_at: delivery.endedAtMs === null ? null : seconds(delivery.endedAtMs),
    next_try_at: delivery.nextTryAtMs === null ? null : seconds(delivery.nextTryAtMs),
    log: delivery.log.map(one => ({
      at: new Date(one.atMs).toISOString(),
      status_code: one.status,
      error: one.error,
      duration_ms: one.ms,
    })),
  };
}

/** A page in the shape of OpenAI's lists. */
export function toPage<T extends { readonly id: string }>(data: readonly T[], hasMore: boolean) {
  return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more: hasMore };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

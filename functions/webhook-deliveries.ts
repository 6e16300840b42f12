import { listDeliveries, replayDelivery } from '#core/webhooks/delivery-log.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { parsePage } from './webhook-input.ts';
import { toDelivery, toPage } from './webhook-wire.ts';

/** GET /v1/webhook_endpoints/{id}/deliveries?after&limit, newest event first. */
export function listWebhookDeliveries(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-deliveries',
    async event => {
      const page = await listDeliveries(
        deps.webhooks,
        event.tenant,
        idOf(event),
        parsePage(event.queryStringParameters),
      );
      return json(200, toPage(page.deliveries.map(toDelivery), page.hasMore));
    },
    { scope: 'webhooks:admin' },
  );
}

/** POST /v1/webhook_deliveries/{id}/replay, empty body: due now, with all its tries again. */
export function replayWebhookDelivery(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-replay',
    async event => json(200, toDelivery(await replayDelivery(deps.webhooks, event.tenant, idOf(event)))),
    { scope: 'webhooks:admin' },
  );
}

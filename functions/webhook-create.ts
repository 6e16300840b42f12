import { webhookEventTypes } from '#core/events.ts';
import { createEndpoint } from '#core/webhooks/endpoints.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toEndpointWithSecret } from './webhook-wire.ts';

/** POST /v1/webhook_endpoints {name, url, event_types}: the answer is the one place that shows the secret. */
export function createWebhookEndpoint(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-create',
    async event => json(200, toEndpointWithSecret(await createEndpoint(deps.webhooks, event.tenant, event.input))),
    { scope: 'webhooks:admin', body: true },
  );
}

/** GET /v1/webhook_event_types: what endpoints can ask for. */
export function listWebhookEventTypes(deps: Deps): ApiHandler {
  return api(deps, 'webhook-event-types', async () => json(200, { object: 'list', data: webhookEventTypes }), {
    scope: 'webhooks:admin',
  });
}

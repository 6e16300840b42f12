import { testEndpoint } from '#core/webhooks/endpoints.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** POST /v1/webhook_endpoints/{id}/test {event_type}: sends a made-up event now and answers with the endpoint's status. */
export function testWebhookEndpoint(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-test',
    async event => {
      const id = idOf(event);
      const { eventType, status } = await testEndpoint(deps.webhooks, event.tenant, id, event.input);
      return json(200, {
        object: 'webhook_endpoint.test',
        webhook_endpoint_id: id,
        event_type: eventType,
        status_code: status,
        success: true,
      });
    },
    { scope: 'webhooks:admin', body: true },
  );
}

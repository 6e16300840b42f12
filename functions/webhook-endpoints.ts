import { deleteEndpoint, readEndpoint, readEndpoints, updateEndpoint } from '#core/webhooks/endpoints.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { optionalBody, parsePage } from './webhook-input.ts';
import { toEndpoint, toPage } from './webhook-wire.ts';

/** GET /v1/webhook_endpoints?after&limit, newest first. Ids sort by creation, so a cursor works when its endpoint is gone. */
export function listWebhookEndpoints(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-list',
    async event => {
      const { limit, after } = parsePage(event.queryStringParameters);
      const all = await readEndpoints(deps.webhooks, event.tenant);
      const rest = all.filter(({ id }) => after === undefined || id < after);
      return json(200, toPage(rest.slice(0, limit).map(toEndpoint), rest.length > limit));
    },
    { scope: 'webhooks:admin' },
  );
}

/** GET /v1/webhook_endpoints/{id} */
export function retrieveWebhookEndpoint(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-retrieve',
    async event => json(200, toEndpoint(await readEndpoint(deps.webhooks, event.tenant, idOf(event)))),
    { scope: 'webhooks:admin' },
  );
}

/** POST /v1/webhook_endpoints/{id}: sets what the body names. */
export function updateWebhookEndpoint(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-update',
    async event =>
      json(200, toEndpoint(await updateEndpoint(deps.webhooks, event.tenant, idOf(event), await optionalBody(event)))),
    { scope: 'webhooks:admin' },
  );
}

/** DELETE /v1/webhook_endpoints/{id} */
export function deleteWebhookEndpoint(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-delete',
    async event => {
      await deleteEndpoint(deps.webhooks, event.tenant, idOf(event));
      return json(200, { id: idOf(event), object: 'webhook_endpoint.deleted', deleted: true });
    },
    { scope: 'webhooks:admin' },
  );
}

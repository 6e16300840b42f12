import { readDefaultSecrets, rotateDefaultSecret } from '#core/webhooks/default-secret.ts';
import { parseKeepOld, rotateEndpointSecret } from '#core/webhooks/endpoints.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { optionalBody } from './webhook-input.ts';
import { toEndpointWithSecret } from './webhook-wire.ts';

/** POST /v1/webhook_endpoints/{id}/rotate_secret {keep_old_secret_active_for_24_hours} */
export function rotateWebhookSecret(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-rotate',
    async event => {
      const input = await optionalBody(event);
      return json(
        200,
        toEndpointWithSecret(await rotateEndpointSecret(deps.webhooks, event.tenant, idOf(event), input)),
      );
    },
    { scope: 'webhooks:admin' },
  );
}

/** GET /v1/webhooks/default/secret, as Replicate has it: what deliveries to a job's own `webhook_url` are signed with. */
export function defaultWebhookSecret(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-default-secret',
    async event => json(200, { key: (await readDefaultSecrets(deps.webhooks, event.tenant)).current }),
    { scope: 'webhooks:admin' },
  );
}

/** POST /v1/webhooks/default/secret/rotate {keep_old_secret_active_for_24_hours} */
export function rotateDefaultWebhookSecret(deps: Deps): ApiHandler {
  return api(
    deps,
    'webhook-default-rotate',
    async event => {
      const keepOld = parseKeepOld(await optionalBody(event));
      return json(200, { key: (await rotateDefaultSecret(deps.webhooks, event.tenant, keepOld)).current });
    },
    { scope: 'webhooks:admin' },
  );
}

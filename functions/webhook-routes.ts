import type { Deps } from './deps.ts';
import type { ApiHandler } from './middleware.ts';
import { createWebhookEndpoint, listWebhookEventTypes } from './webhook-create.ts';
import { listWebhookDeliveries, replayWebhookDelivery } from './webhook-deliveries.ts';
import {
  deleteWebhookEndpoint,
  listWebhookEndpoints,
  retrieveWebhookEndpoint,
  updateWebhookEndpoint,
} from './webhook-endpoints.ts';
import { defaultWebhookSecret, rotateDefaultWebhookSecret, rotateWebhookSecret } from './webhook-secrets.ts';
import { testWebhookEndpoint } from './webhook-test.ts';

/** The webhook part of routes.ts. */
export const webhookRoutes: Readonly<Record<string, (deps: Deps) => ApiHandler>> = {
  'GET /v1/webhook_event_types': listWebhookEventTypes,
  'POST /v1/webhook_endpoints': createWebhookEndpoint,
  'GET /v1/webhook_endpoints': listWebhookEndpoints,
  'GET /v1/webhook_endpoints/{id}': retrieveWebhookEndpoint,
  'POST /v1/webhook_endpoints/{id}': updateWebhookEndpoint,
  'DELETE /v1/webhook_endpoints/{id}': deleteWebhookEndpoint,
  'POST /v1/webhook_endpoints/{id}/rotate_secret': rotateWebhookSecret,
  'POST /v1/webhook_endpoints/{id}/test': testWebhookEndpoint,
  'GET /v1/webhook_endpoints/{id}/deliveries': listWebhookDeliveries,
  'POST /v1/webhook_deliveries/{id}/replay': replayWebhookDelivery,
  'GET /v1/webhooks/default/secret': defaultWebhookSecret,
  'POST /v1/webhooks/default/secret/rotate': rotateDefaultWebhookSecret,
};

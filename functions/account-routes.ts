import type { Deps } from './deps.ts';
import { createApiKey, listApiKeys, revokeApiKey, rotateApiKey } from './keys.ts';
import type { ApiHandler } from './middleware.ts';
import {
  createOneTenant,
  listAllTenants,
  retrieveInstallation,
  retrieveTenant,
  updateInstallation,
  updateOneTenant,
} from './tenants.ts';

/** The part of routes.ts that is about keys, tenants and the installation. */
export const accountRoutes: Readonly<Record<string, (deps: Deps) => ApiHandler>> = {
  'GET /v1/keys': listApiKeys,
  'POST /v1/keys': createApiKey,
  'DELETE /v1/keys/{id}': revokeApiKey,
  'POST /v1/keys/{id}/rotate': rotateApiKey,
  'GET /v1/tenants': listAllTenants,
  'POST /v1/tenants': createOneTenant,
  'GET /v1/tenants/{id}': retrieveTenant,
  'POST /v1/tenants/{id}': updateOneTenant,
  'GET /v1/installation': retrieveInstallation,
  'POST /v1/installation': updateInstallation,
};

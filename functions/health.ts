import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';

/**
 * GET /health: the store answers; to who may call other routes, also what runs here and how many jobs wait. No key is needed, and calls
 * are not logged: load balancers make one every few seconds.
 */
export function health(deps: Deps): ApiHandler {
  const handle = async ({ headers }: ApiEvent) => {
    const told = await deps.describe();
    return json(200, { status: 'ok', ...(deps.authenticate(headers.authorization) === undefined ? {} : told) });
  };
  return api(deps, 'health', handle, { public: true, quiet: true });
}

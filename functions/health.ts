import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** GET /health: the store answers, and how many jobs wait. No key needed, nothing about jobs told. */
export function health(deps: Deps): ApiHandler {
  return api(deps, 'health', async () => json(200, { status: 'ok', ...(await deps.describe()) }), { public: true });
}

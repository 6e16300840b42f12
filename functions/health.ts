import { isRefusal } from '#core/accounts/quote.ts';
import { checkScope } from '#core/accounts/scopes.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiEvent, type ApiHandler, api, speakerOf } from './middleware.ts';

/**
 * GET /health: the store answers; to an operator also what runs here and how many jobs wait, which are all tenants'. No key is needed,
 * and calls are not logged: load balancers make one every few seconds.
 */
export function health(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const told = await deps.describe();
    const speaker = await speakerOf(deps, event);
    const mayKnow = !isRefusal(speaker) && checkScope(speaker.scopes, 'tenants:admin') === undefined;
    return json(200, { status: 'ok', ...(mayKnow ? told : {}) });
  };
  return api(deps, 'health', handle, { public: true, quiet: true });
}

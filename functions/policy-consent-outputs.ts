import { listOutputs } from '#core/policy/consents/consents.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toOutputs } from './policy-wire.ts';

/** GET /v1/policy/consents/{id}/outputs?after: the videos that were made with it and are still there. */
export function listConsentOutputs(deps: Deps): ApiHandler {
  return api(
    deps,
    'consent-outputs',
    async event => {
      const after = event.queryStringParameters?.after ?? null;
      return json(200, toOutputs(await listOutputs(deps, event.tenant, idOf(event), after)));
    },
    { scope: 'consents:admin' },
  );
}

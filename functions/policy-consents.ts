import { createConsent, listConsents, listOutputs, revoke } from '#core/policy/consents/consents.ts';
import { personOf } from '#core/policy/reviews/content-ports.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';
import { toConsent, toOutputs } from './policy-wire.ts';
import { parsePage } from './webhook-input.ts';

const scope = 'consents:admin';

/** POST /v1/policy/consents: whoever has the key vouches for it. */
export function createPolicyConsent(deps: Deps): ApiHandler {
  const handle = async ({ tenant, principal, input }: ApiEvent) =>
    json(200, toConsent(await createConsent(deps, { tenant, by: personOf(tenant, principal) }, input)));
  return api(deps, 'consent-create', handle, { scope, body: true });
}

/** GET /v1/policy/consents?limit&after */
export function listPolicyConsents(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const { records, hasMore } = await listConsents(deps, event.tenant, parsePage(event.queryStringParameters));
    return json(200, { object: 'list', data: records.map(toConsent), has_more: hasMore });
  };
  return api(deps, 'consent-list', handle, { scope });
}

/** DELETE /v1/policy/consents/{id}: revokes it, and lists what was made with it. */
export function revokePolicyConsent(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const by = personOf(event.tenant, event.principal);
    const record = await revoke(deps, event.tenant, idOf(event), by);
    return json(200, {
      ...toConsent(record),
      outputs: toOutputs(await listOutputs(deps, event.tenant, record.id, null)),
    });
  };
  return api(deps, 'consent-revoke', handle, { scope });
}

import { appeal, parseAppeal } from '#core/policy/reviews/appeal.ts';
import { personOf } from '#core/policy/reviews/content-ports.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toAppeal } from './policy-wire.ts';

/** POST /v1/policy/appeals {refusal, reason, prompt}: brings a refusal before an operator; again tells where it stands. */
export function appealRefusal(deps: Deps): ApiHandler {
  return api(
    deps,
    'policy-appeal',
    async event => {
      const who = { tenant: event.tenant, requester: personOf(event.tenant, event.principal) };
      return json(200, toAppeal(await appeal(deps, who, parseAppeal(event.input))));
    },
    { scope: 'videos:write', body: true },
  );
}

import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVerdict } from './verdict-wire.ts';
import { readVerifyInput } from './verify-input.ts';

/** POST /v1/verify: whether a file is of this installation and unaltered, what its marks say, and what is not known. */
export function verifyFile(deps: Deps): ApiHandler {
  const rates = createRateLimiter(deps.now);
  return api(
    deps,
    'verify',
    async event => {
      // Of its own: a reading costs a thousand times what a look at a job does, and many readings are how a mark is worn away.
      const refused = rates.check(event.tenant, limits.verifyPerMinute);
      if (refused !== undefined) throw refusedError(refused);
      const { file, search } = readVerifyInput(event.input);
      const verdict = await deps.verifier.verify(file, { search });
      const isOperator = event.principal.scopes.includes('tenants:admin');
      return json(200, toVerdict(verdict, isOperator ? 'operator' : { tenant: event.tenant }));
    },
    { scope: 'verify', body: true },
  );
}

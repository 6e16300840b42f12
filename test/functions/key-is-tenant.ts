import { localPrincipal, unauthorized } from '#core/accounts/authenticate.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { localTenant } from '#core/accounts/tenant.ts';
import type { Deps } from '#functions/deps.ts';

/** Who asks, where a key is the name of its tenant and opens everything; as many requests as come. */
export const keyIsTenant: Pick<Deps, 'authenticate' | 'rates' | 'keyEnvironment'> = {
  authenticate: async header => {
    const tenant = /^Bearer (\w+)$/.exec(header ?? '')?.[1];
    return tenant === undefined ? unauthorized() : localPrincipal({ ...localTenant, id: tenant, name: tenant });
  },
  rates: createRateLimiter(() => Date.now()),
  keyEnvironment: 'test',
};

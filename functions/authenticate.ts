import { type Authenticator, localPrincipal, operatorPrincipal, unauthorized } from '#core/accounts/authenticate.ts';
import { impliedTenant, type TenantRecord } from '#core/accounts/tenant.ts';
import type { Deps } from './deps.ts';

/** Whom a front lets in. */
export interface Door {
  /** Knows the keys that are stored. */
  readonly accounts: Pick<Authenticator, 'authenticate' | 'account'>;
  /** Of a header with a key that the operator gave the server by its hash: that key's id. */
  readonly operatorKey: (authorization: string | undefined) => string | undefined;
  /** `local` or `default`: for whom operator's keys, and whoever needs none, speak. */
  readonly tenant: string;
  /** Only this machine reaches the front: who sends no key of ours is let in all the same. */
  readonly isKeyless: boolean;
}

/**
 * Who asks at a front: somebody with one of the operator's own keys, with a stored one, or on a front without keys whoever it is.
 *
 * A key counts on a front without keys too, so that what a tenant may do can be tried there: what begins like ours (`rly_`) opens what it
 * opens elsewhere, or nothing. Any other text is as none: clients of the Videos API send one whether or not they were given a key.
 */
export function authenticateAt({ accounts, operatorKey, tenant, isKeyless }: Door): Deps['authenticate'] {
  // A suspended tenant's jobs are refused where they are made; its operator gets in, or nobody could lift the suspension.
  const own = async (): Promise<TenantRecord> => {
    const account = (await accounts.account(tenant)) ?? impliedTenant(tenant);
    if (account === undefined) throw new RangeError('the tenant of a front is there without having been made');
    return account;
  };
  return async authorization => {
    const keyId = operatorKey(authorization);
    if (keyId !== undefined) return operatorPrincipal(keyId, await own());
    if (isKeyless && !/^Bearer rly_/i.test(authorization ?? '')) return localPrincipal(await own());
    return authorization === undefined ? unauthorized() : accounts.authenticate(authorization);
  };
}

/** Whose keys a request is about. */
import { invalidRequest, ReelayError } from '../errors.ts';
import type { KeyValueStore } from '../ports.ts';
import type { Principal } from './authenticate.ts';
import { refusedError } from './refused-error.ts';
import { checkScope } from './scopes.ts';
import { readTenant } from './tenants.ts';

/**
 * The tenant whose keys are meant: the asking one's own, or with the scope `tenants:admin` the one that is `named`. Throws `forbidden`
 * before it looks whether there is such a tenant, `not_found` where there is none, `invalid_request` for what is no name.
 */
export async function whoseKeys(
  ports: { readonly kv: KeyValueStore },
  { tenant, scopes }: Pick<Principal, 'tenant' | 'scopes'>,
  named: unknown,
): Promise<string> {
  if (named === undefined || named === tenant) return tenant;
  if (typeof named !== 'string')
    throw invalidRequest([{ path: 'tenant', message: 'tenant: the id of a tenant is needed.' }]);
  const refused = checkScope(scopes, 'tenants:admin');
  if (refused !== undefined) throw refusedError(refused);
  if ((await readTenant(ports, named)) === undefined)
    throw new ReelayError('not_found', 'tenant: no tenant with this id.');
  return named;
}

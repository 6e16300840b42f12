/** @file What one tenant may hold of a server's room, so that it cannot shut the others out. */
import type { Principal } from '#core/accounts/authenticate.ts';
import { ReelayError } from '#core/errors.ts';
import type { BodyPool } from './http-event.ts';

/** Of the requests in progress and of the bodies in memory: what is left does for the others. */
const TENANT_SHARE = 3 / 4;

/** A request's place: where its body is counted, and what gives the place back. */
export interface Place {
  readonly pool: BodyPool;
  readonly leave: () => void;
}

interface Held {
  requests: number;
  readonly pool: BodyPool;
}

/**
 * Gives requests their places; who has no key is on the machine itself and shares with nobody. Throws `rate_limited` for one more than the
 * tenant may have. A place has to be left once.
 */
export function createTenantShare(room: { readonly requests: number; readonly pool: BodyPool }) {
  const tenants = new Map<string, Held>();
  const mostRequests = Math.floor(room.requests * TENANT_SHARE);
  const maxBytes = Math.floor(room.pool.maxBytes * TENANT_SHARE);
  return (principal: Pick<Principal, 'tenant' | 'keyId'> | undefined): Place => {
    if (principal === undefined || principal.keyId === null) return { pool: room.pool, leave: () => undefined };
    const { tenant } = principal;
    const held = tenants.get(tenant) ?? { requests: 0, pool: { bytes: 0, maxBytes, within: room.pool } };
    if (held.requests >= mostRequests)
      throw new ReelayError(
        'rate_limited',
        `This tenant has ${mostRequests} requests in progress, which is all it may; try again when some are answered.`,
      );
    held.requests++;
    tenants.set(tenant, held);
    // Who has none in progress stays: a body may still be handled whose sender is gone, and an installation has hundreds of tenants.
    return { pool: held.pool, leave: () => void held.requests-- };
  };
}

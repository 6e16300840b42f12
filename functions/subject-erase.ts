import { askedBy } from '#core/audit/audit-port.ts';
import { eraseUser } from '#core/jobs/erase-user.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** DELETE /v1/subjects/{subject}: everything that is kept of an end user of the own tenant, for good. `subject`: as in the field `user`. */
export function eraseSubjectRoute(deps: Deps): ApiHandler {
  return api(
    deps,
    'subject.erase',
    async event => {
      const asked = askedBy({ tenant: event.tenant, keyId: event.principal.keyId });
      const { atMs, removed } = await eraseUser(deps, event.tenant, event.pathParameters?.subject ?? '', asked);
      const erasedAt = Math.floor(atMs / 1000);
      return json(200, { object: 'subject.deleted', deleted: true, erased_at: erasedAt, removed });
    },
    { scope: 'subjects:admin' },
  );
}

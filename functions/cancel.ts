import { askedBy } from '#core/audit/audit-port.ts';
import { cancel } from '#core/jobs/cancel.ts';
import type { Deps } from './deps.ts';
import { idOf, json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** POST /v1/videos/{id}/cancel, empty body; repeatable. */
export function cancelVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'cancel',
    async event => {
      const job = await cancel(deps, event.tenant, idOf(event), askedBy(event.principal));
      return json(200, toVideo(job, wantsNativeStatus(event)));
    },
    { scope: 'videos:write' },
  );
}

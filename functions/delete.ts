import { askedBy } from '#core/audit/audit-port.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** DELETE /v1/videos/{id}: unknown at once, cancelled if active, bytes removed by the sweeper. */
export function deleteVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'delete',
    async event => {
      const id = idOf(event);
      await deleteJob(deps, event.tenant, id, askedBy(event.principal));
      return json(200, { id, object: 'video.deleted', deleted: true });
    },
    { scope: 'videos:write' },
  );
}

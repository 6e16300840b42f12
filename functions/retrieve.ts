import { readJob } from '#core/jobs/read.ts';
import { standingsOrNone } from '#core/jobs/standing.ts';
import type { Deps } from './deps.ts';
import { idOf, json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** GET /v1/videos/{id} */
export function retrieveVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'retrieve',
    async event => {
      const job = await readJob(deps.store, event.tenant, idOf(event));
      const standings = await standingsOrNone(deps, [job]);
      return json(200, toVideo(job, wantsNativeStatus(event), standings.get(job.id)));
    },
    { scope: 'videos:read' },
  );
}

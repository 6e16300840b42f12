import { remix } from '#core/jobs/remix.ts';
import { standingsOrNone } from '#core/jobs/standing.ts';
import type { Deps } from './deps.ts';
import { idOf, json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { submitOptions } from './submit-options.ts';
import { toVideo } from './wire.ts';

/** POST /v1/videos/{id}/remix: the settings, the seed and the reference of a completed video under another prompt. */
export function remixVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'remix',
    async event => {
      const job = await remix(deps, event.tenant, idOf(event), event.input, submitOptions(event));
      const standings = await standingsOrNone(deps, [job]);
      return json(200, toVideo(job, wantsNativeStatus(event), standings.get(job.id)));
    },
    { scope: 'videos:write', body: true },
  );
}

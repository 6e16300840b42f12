import { edit } from '#core/jobs/remix.ts';
import { standingsOrNone } from '#core/jobs/standing.ts';
import type { Deps } from './deps.ts';
import { json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { submitOptions } from './submit-options.ts';
import { toVideo } from './wire.ts';

/** POST /v1/videos/edits: video-to-video from an uploaded file or from a completed video. */
export function editVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'edit',
    async event => {
      const job = await edit(deps, event.tenant, event.input, submitOptions(event));
      const standings = await standingsOrNone(deps, [job]);
      return json(200, toVideo(job, wantsNativeStatus(event), standings.get(job.id)));
    },
    { scope: 'videos:write', body: true },
  );
}

import { readJob } from '#core/jobs/read.ts';
import type { Deps } from './deps.ts';
import { idOf, json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** GET /v1/videos/{id} */
export function retrieveVideo(deps: Deps): ApiHandler {
  return api(deps, 'retrieve', async event =>
    json(200, toVideo(await readJob(deps.store, event.tenant, idOf(event)), wantsNativeStatus(event))),
  );
}

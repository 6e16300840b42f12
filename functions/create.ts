import { submit } from '#core/jobs/submit.ts';
import type { Deps } from './deps.ts';
import { json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** POST /v1/videos, JSON or multipart: a durable queued job. */
export function createVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'create',
    async event => json(200, toVideo(await submit(deps, event.tenant, event.input), wantsNativeStatus(event))),
    { body: true },
  );
}

import { standingsOrNone } from '#core/jobs/standing.ts';
import { submit } from '#core/jobs/submit.ts';
import type { Deps } from './deps.ts';
import { json, wantsNativeStatus } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { isDryRun, quoted } from './quote.ts';
import { submitOptions } from './submit-options.ts';
import { toVideo } from './wire.ts';

/** POST /v1/videos, JSON or multipart: a durable queued job; the same one for a repeated Idempotency-Key and a client's own retries. With `dry_run` no job. */
export function createVideo(deps: Deps): ApiHandler {
  return api(
    deps,
    'create',
    async event => {
      if (isDryRun(event.input)) return quoted(deps, event);
      const job = await submit(deps, event.tenant, event.input, submitOptions(event));
      const standings = await standingsOrNone(deps, [job]);
      return json(200, toVideo(job, wantsNativeStatus(event), standings.get(job.id)));
    },
    { scope: 'videos:write', body: true },
  );
}

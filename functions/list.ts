import { standingsOrNone } from '#core/jobs/standing.ts';
import type { Deps } from './deps.ts';
import { json, wantsNativeStatus } from './http.ts';
import { parseListQuery } from './list-query.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** GET /v1/videos?after&limit&order&status&metadata[k], newest first by default. */
export function listVideos(deps: Deps): ApiHandler {
  return api(
    deps,
    'list',
    async event => {
      const page = await deps.store.list(event.tenant, parseListQuery(event.queryStringParameters));
      const standings = await standingsOrNone(deps, page.jobs);
      const data = page.jobs.map(job => toVideo(job, wantsNativeStatus(event), standings.get(job.id)));
      const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      return json(200, { object: 'list', data, ...ends, has_more: page.hasMore });
    },
    { scope: 'videos:read' },
  );
}

import { sealLimits } from '#core/audit/seal-limits.ts';
import { listUserJobs } from '#core/jobs/export-user.ts';
import type { Deps } from './deps.ts';
import { json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toVideo } from './wire.ts';

/** GET /v1/subjects/{subject}/export?after=: the videos of an end user with prompts, links and checksums, a hundred at a time. */
export function exportSubjectRoute(deps: Deps): ApiHandler {
  return api(
    deps,
    'subject.export',
    async event => {
      const { after } = event.queryStringParameters ?? {};
      const page = { limit: sealLimits.exportPage, ...(after === undefined ? {} : { after }) };
      const found = await listUserJobs(deps, event.tenant, event.pathParameters?.subject ?? '', page);
      const data = found.jobs.map(job => ({
        ...toVideo(job),
        files: Object.entries(job.artifacts).map(([variant, { bytes, sha256, contentType }]) => ({
          ...{ variant, bytes, sha256, content_type: contentType },
          url: `/v1/videos/${job.id}/content?variant=${variant}`,
        })),
      }));
      return json(200, {
        ...{ object: 'subject.export', created_at: Math.floor(deps.now() / 1000), data },
        ...{ sha256: deps.sha256(JSON.stringify(data)), has_more: found.after !== null, last_id: found.after },
      });
    },
    { scope: 'subjects:admin' },
  );
}

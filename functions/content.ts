import { readJob } from '#core/jobs/read.ts';
import { limits } from '#core/limits.ts';
import { artifactOf, contentHeaders, lostBytes, matches, parseRange, unsatisfiable } from './artifact.ts';
import type { Deps } from './deps.ts';
import { type HttpResult, idOf } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** GET /v1/videos/{id}/content?variant=: a redirect to the bucket where there is one, else the bytes, with ranges and ETag. */
export function videoContent(deps: Deps): ApiHandler {
  return api(
    deps,
    'content',
    async (event): Promise<HttpResult> => {
      const job = await readJob(deps.store, event.tenant, idOf(event));
      const { artifact, filename } = artifactOf(job, event.queryStringParameters?.variant, deps.now());
      const { key, contentType } = artifact;
      const link = await deps.blobs.presign(key, { expiresSeconds: limits.presignSeconds, filename, contentType });
      if (link !== undefined) return { statusCode: 302, headers: { location: link, 'cache-control': 'no-store' } };
      const headers = contentHeaders(artifact, filename);
      if (matches(event.headers['if-none-match'], headers.etag)) return { statusCode: 304, headers };
      const range = parseRange(event.headers.range, artifact.bytes);
      if (range === 'unsatisfiable') return unsatisfiable(artifact.bytes);
      const length = range === undefined ? artifact.bytes : range.end - range.start + 1;
      const partial =
        range === undefined ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${artifact.bytes}` };
      const all = { ...headers, ...partial, 'content-length': String(length) };
      const statusCode = range === undefined ? 200 : 206;
      if (event.requestContext.http.method === 'HEAD') return { statusCode, headers: all };
      const blob = await deps.blobs.get(key, range);
      if (blob === undefined) throw lostBytes(deps, job);
      return { statusCode, headers: all, stream: blob.stream };
    },
    { scope: 'videos:read' },
  );
}

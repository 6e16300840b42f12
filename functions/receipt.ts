import { invalidRequest, ReelayError } from '#core/errors.ts';
import { readJob } from '#core/jobs/read.ts';
import { openingOf } from '#core/placement/opening.ts';
import { contentHeaders, lostBytes, matches, receiptOf } from './artifact.ts';
import type { Deps } from './deps.ts';
import { type HttpResult, idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** GET /v1/videos/{id}/receipt?part=: where the video was processed, signed, byte for byte; `opening` ties it to the request. */
export function videoReceipt(deps: Deps): ApiHandler {
  return api(
    deps,
    'receipt',
    async (event): Promise<HttpResult> => {
      const job = await readJob(deps.store, event.tenant, idOf(event));
      const part = event.queryStringParameters?.part ?? 'receipt';
      if (part !== 'receipt' && part !== 'opening')
        throw invalidRequest([
          { path: 'part', message: `part: got "${part.slice(0, 40)}"; receipt, opening are allowed.` },
        ]);
      const receipt = receiptOf(job, deps.now());
      if (part === 'opening' && job.erased)
        throw new ReelayError('expired', 'What this video was asked for with is kept no longer.');
      if (part === 'opening') return json(200, openingOf(job, receipt.requestKey));
      const headers = contentHeaders(
        { contentType: 'application/json', sha256: receipt.sha256 },
        `${job.id}.receipt.json`,
      );
      if (matches(event.headers['if-none-match'], headers.etag)) return { statusCode: 304, headers };
      const blob = await deps.blobs.get(receipt.key);
      if (blob === undefined) throw lostBytes(deps, job);
      const chunks: Uint8Array[] = [];
      for await (const chunk of blob.stream) chunks.push(chunk);
      return { statusCode: 200, headers, body: Buffer.concat(chunks).toString('utf8') };
    },
    { scope: 'videos:read' },
  );
}

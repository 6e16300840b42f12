import { ReelayError } from '#core/errors.ts';
import { readJob } from '#core/jobs/read.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from './deps.ts';
import { currentState, eventStream } from './event-stream.ts';
import { type HttpResult, idOf } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';

/** GET /v1/videos/{id}/events: server-sent `status`, `progress` and `done`; a front that cannot stream sends the state and closes. */
export function videoEvents(deps: Deps): ApiHandler {
  const open = { streams: 0, of: new Map<string, number>() };
  return api(
    deps,
    'events',
    async (event): Promise<HttpResult> => {
      const job = await readJob(deps.store, event.tenant, idOf(event));
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
      if (!deps.canStream) return { statusCode: 200, headers, body: await currentState(deps, job) };
      if (open.streams >= limits.sseMaxStreams)
        throw new ReelayError(
          'rate_limited',
          `This server holds ${limits.sseMaxStreams} event streams, which is all it may.`,
        );
      // Who has no key is on the machine itself and shares with nobody.
      if (event.principal.keyId !== null && (open.of.get(event.tenant) ?? 0) >= limits.sseMaxTenantStreams)
        throw new ReelayError(
          'rate_limited',
          `This tenant has ${limits.sseMaxTenantStreams} event streams open, which is all it may.`,
        );
      const client = { gone: false };
      const stream = eventStream(deps, job, { lastEventId: event.headers['last-event-id'], open, client });
      const onClose = () => {
        client.gone = true;
      };
      return { statusCode: 200, headers, stream, onClose };
    },
    { scope: 'videos:read' },
  );
}

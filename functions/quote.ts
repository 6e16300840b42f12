import { quoteVideo } from '#core/jobs/quote-video.ts';
import type { Deps } from './deps.ts';
import { type HttpResult, json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';
import { toQuote } from './money-wire.ts';

/** POST /v1/videos/quote, the body of a create: what it would cost and what stands against it. No job is made and nothing is held. */
export function quoteOneVideo(deps: Deps): ApiHandler {
  return api(deps, 'quote', event => quoted(deps, event), { scope: 'videos:write', body: true });
}

/** The same answer at POST /v1/videos, for a body with `dry_run`. */
export async function quoted(deps: Deps, event: ApiEvent): Promise<HttpResult> {
  return json(200, toQuote(await quoteVideo(deps, event.tenant, event.input, event.principal)));
}

/** Whether a body asks for no job. What else it may be is the parser's to say. */
export function isDryRun(input: unknown): boolean {
  const said = input !== null && typeof input === 'object' ? (input as { dry_run?: unknown }).dry_run : undefined;
  return said === true || said === 'true';
}

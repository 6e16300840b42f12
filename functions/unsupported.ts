import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';
import { type ApiHandler, api } from './middleware.ts';

/** Calls the API knows and no loaded model can serve. 400 and never 501, which the `openai` client would retry. */
export function unsupported(deps: Deps, what: string): ApiHandler {
  return api(deps, 'unsupported', async () => {
    const offered = [...new Set(deps.models.flatMap(model => model.tasks))].join(', ');
    throw new ReelayError('unsupported_operation', `${what}: no model here offers this; offered tasks: ${offered}.`);
  });
}

export function noSuchRoute(): ReelayError {
  return new ReelayError('not_found', 'path: there is nothing here.');
}

import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';
import { type ApiHandler, api } from './middleware.ts';

/** Calls the API knows and no loaded model can serve. 400 and never 501, which the `openai` client would retry. */
export function unsupported(deps: Deps, what: string): ApiHandler {
  return api(deps, 'unsupported', async () => {
    const offered = [...new Set(deps.models.flatMap(model => model.tasks))].join(', ');
    throw new ReelayError(
      'unsupported_operation',
      `${what}: this server does not offer this call; offered tasks: ${offered}.`,
    );
  });
}

/** Characters, which no open model knows: 404, as the `openai` client expects of a thing that is not there. */
export function noCharacters(deps: Deps): ApiHandler {
  return api(deps, 'characters', async () => {
    throw new ReelayError('not_supported', 'characters: this server does not know characters.');
  });
}

/** For a front whose router knows a path that we do not. */
export function noSuchRoute(): ReelayError {
  return new ReelayError('not_found', 'path: there is nothing here.');
}

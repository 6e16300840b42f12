import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';
import { type ApiHandler, api } from './middleware.ts';

/** Extensions, which no pipeline here stitches yet. 400 and never 501, which the `openai` client would retry. */
export function noExtensions(deps: Deps): ApiHandler {
  return api(
    deps,
    'extend',
    async () => {
      const message =
        'extend: this server does not extend videos; download the video and start a new one from its last frame.';
      throw new ReelayError('unsupported_operation', message);
    },
    { scope: 'videos:write' },
  );
}

/** Characters, which no open model knows: 404, as the `openai` client expects of a thing that is not there. */
export function noCharacters(deps: Deps): ApiHandler {
  return api(
    deps,
    'characters',
    async () => {
      throw new ReelayError('not_supported', 'characters: this server does not know characters.');
    },
    { scope: 'videos:read' },
  );
}

/** For a front whose router knows a path that we do not. */
export function noSuchRoute(): ReelayError {
  return new ReelayError('not_found', 'path: there is nothing here.');
}

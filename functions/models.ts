import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { toModel, toVideoModel } from './wire.ts';

/** GET /v1/models, in OpenAI's shape. */
export function listModels(deps: Deps): ApiHandler {
  return api(deps, 'models', async () => json(200, { object: 'list', data: deps.models.map(toModel) }), {
    scope: 'videos:read',
  });
}

/** GET /v1/models/{id} */
export function retrieveModel(deps: Deps): ApiHandler {
  return api(
    deps,
    'model',
    async event => {
      const card = deps.models.find(model => model.id === idOf(event));
      if (card === undefined) throw new ReelayError('not_found', 'id: no model with this id.');
      return json(200, toModel(card));
    },
    { scope: 'videos:read' },
  );
}

/** GET /v1/videos/models: sizes, seconds, ranges and defaults of each model. */
export function listVideoModels(deps: Deps): ApiHandler {
  return api(deps, 'video-models', async () => json(200, { object: 'list', data: deps.models.map(toVideoModel) }), {
    scope: 'videos:read',
  });
}

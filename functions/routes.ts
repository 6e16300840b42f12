import { accountRoutes } from './account-routes.ts';
import { cancelVideo } from './cancel.ts';
import { videoContent } from './content.ts';
import { createVideo } from './create.ts';
import { deleteVideo } from './delete.ts';
import type { Deps } from './deps.ts';
import { editVideo } from './edit.ts';
import { videoEvents } from './events.ts';
import { health } from './health.ts';
import { listVideos } from './list.ts';
import type { ApiHandler } from './middleware.ts';
import { listModels, listVideoModels, retrieveModel } from './models.ts';
import { policyRoutes } from './policy-routes.ts';
import { quoteOneVideo } from './quote.ts';
import { videoReceipt } from './receipt.ts';
import { remixVideo } from './remix.ts';
import { retrieveVideo } from './retrieve.ts';
import { eraseSubjectRoute } from './subject-erase.ts';
import { exportSubjectRoute } from './subject-export.ts';
import { noCharacters, noExtensions } from './unsupported.ts';
import { readUsageReport } from './usage.ts';
import { verifyFile } from './verify.ts';
import { webhookRoutes } from './webhook-routes.ts';

/** Method and path in API Gateway's notation, to the handler; a more literal path comes before one with a parameter. */
export const routes: Readonly<Record<string, (deps: Deps) => ApiHandler>> = {
  'GET /health': health,
  'GET /v1/models': listModels,
  'GET /v1/models/{id}': retrieveModel,
  'GET /v1/videos/models': listVideoModels,
  'POST /v1/videos/quote': quoteOneVideo,
  'POST /v1/videos/edits': editVideo,
  'POST /v1/videos/extensions': noExtensions,
  'POST /v1/videos/characters': noCharacters,
  'GET /v1/videos/characters/{id}': noCharacters,
  'POST /v1/videos/{id}/remix': remixVideo,
  'POST /v1/videos': createVideo,
  'GET /v1/videos': listVideos,
  'GET /v1/videos/{id}': retrieveVideo,
  'DELETE /v1/videos/{id}': deleteVideo,
  'POST /v1/videos/{id}/cancel': cancelVideo,
  'GET /v1/videos/{id}/content': videoContent,
  'GET /v1/videos/{id}/receipt': videoReceipt,
  'GET /v1/videos/{id}/events': videoEvents,
  'POST /v1/verify': verifyFile,
  'DELETE /v1/subjects/{subject}': eraseSubjectRoute,
  'GET /v1/subjects/{subject}/export': exportSubjectRoute,
  ...policyRoutes,
  ...webhookRoutes,
  ...accountRoutes,
  'GET /v1/usage': readUsageReport,
};

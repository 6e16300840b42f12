import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { awsResourcesFrom, connectAws, requiredFrom } from '#adapters/aws/connect.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import type { ModelCatalog } from '#core/models.ts';
import type { Deps, Log } from './deps.ts';
import { errorResult } from './errors.ts';
import type { HttpResult } from './http.ts';
import { routes } from './routes.ts';
import { noSuchRoute } from './unsupported.ts';

/** The Lambda entry: the handlers of routes.ts on the AWS adapters. Settings come from the environment, once per container. */
export const handler = createLambdaHandler(() => awsDeps(process.env));

/** One Lambda function for all routes; `compose` runs at the first event, so a missing setting fails that and not the import. */
export function createLambdaHandler(
  compose: () => Deps,
): (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResult> {
  let handlers: Map<string, ReturnType<(typeof routes)[string]>> | undefined;
  return async (event, context) => {
    handlers ??= handlersOf(compose());
    // HTTP API has matched the route already: its key is ours, word for word.
    return (await handlers.get(event.routeKey)?.(event, context)) ?? errorResult(noSuchRoute());
  };
}

function handlersOf(deps: Deps) {
  return new Map(Object.entries(routes).map(([key, make]) => [key, make(deps)]));
}

/**
 * Deps on AWS. `REELAY_MODELS` holds the model cards as JSON, written there at deployment. `REELAY_API_KEY_SHA256` is the hash of
 * the one key that is let in; without it nobody is.
 */
function awsDeps(env: NodeJS.ProcessEnv): Deps {
  const ports = connectAws(awsResourcesFrom(env));
  const logger = new Logger({ serviceName: 'reelay' });
  const log: Log = (level, message, fields) => logger[level](message, fields as Record<string, string>);
  return {
    ...ports,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    shareOf: parseShares(env.REELAY_SHARES ?? ''),
    checkWebhookUrl: () => undefined,
    enqueueDeliveries: async () => undefined,
    models: JSON.parse(requiredFrom(env, 'REELAY_MODELS')) as ModelCatalog,
    now: () => Date.now(),
    random: randomBytes,
    authenticate: bearerOf(env.REELAY_API_KEY_SHA256),
    canStream: false,
    sleep: ms => sleep(ms),
    log,
    describe: async () => ({ mode: 'aws' }),
  };
}

/** One key, known by its SHA-256 in hex; anyone else is undefined. Compared in constant time. */
export function bearerOf(keySha256: string | undefined): Deps['authenticate'] {
  return authorization => {
    const key = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined || keySha256 === undefined || !/^[0-9a-f]{64}$/.test(keySha256)) return undefined;
    const same = timingSafeEqual(createHash('sha256').update(key).digest(), Buffer.from(keySha256, 'hex'));
    return same ? 'default' : undefined;
  };
}

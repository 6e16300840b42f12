import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyEventV2, Context, SQSBatchResponse } from 'aws-lambda';
import { awsResourcesFrom, connectAwsDrop, requiredFrom } from '#adapters/aws/connect.ts';
import { auditSettingsFrom, connectAudit } from '#adapters/aws/connect-audit.ts';
import { connectAwsFront } from '#adapters/aws/connect-enclaves.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { openPolicies } from '#adapters/policy-files.ts';
import { openPrices } from '#adapters/price-file.ts';
import { createAccounts } from '#core/accounts/accounts.ts';
import { createAuthenticator } from '#core/accounts/authenticate.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { ReelayError } from '#core/errors.ts';
import { sweepUsers } from '#core/jobs/erase-user.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import { limits } from '#core/limits.ts';
import type { ModelCatalog } from '#core/models.ts';
import { defaultResidency, type Place, parsePlace, parsePools, parseResidency } from '#core/policy/residency.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import { checkWebhookUrl } from '#core/webhooks/webhook-url.ts';
import { authenticateAt } from './authenticate.ts';
import { bearerOf } from './bearer.ts';
import type { Deps, Log } from './deps.ts';
import type { DropTrigger } from './drop-events.ts';
import { errorResult } from './errors.ts';
import type { HttpResult } from './http.ts';
import { ingestDrop } from './ingest-drop.ts';
import { createRecordVerifier } from './record-verifier.ts';
import { routes } from './routes.ts';
import { tick } from './tick.ts';
import { noSuchRoute } from './unsupported.ts';

/** The Lambda entry: the handlers of routes.ts on the AWS adapters. Settings come from the environment, once per container. */
export const handler = createLambdaHandler(() => composedDeps());

/** What a function is made of. */
export interface LambdaDeps extends Deps {
  /** Rejects where the stores were sealed with another master key than this function's. */
  readonly checkMasterKey: () => Promise<void>;
}

/** One Lambda function for all routes; `compose` runs at the first event, so a missing setting fails that and not the import. */
export function createLambdaHandler(
  compose: () => LambdaDeps,
): (event: APIGatewayProxyEventV2, context: Context) => Promise<HttpResult> {
  let deps: LambdaDeps | undefined;
  let handlers: Map<string, ReturnType<(typeof routes)[string]>> | undefined;
  return async (event, context) => {
    deps ??= compose();
    await checkMasterKey(deps);
    handlers ??= handlersOf({ ...deps, maxUploadBytes: limits.maxLambdaBodyBytes });
    // HTTP API has matched the route already: its key is ours, word for word.
    return (await handlers.get(event.routeKey)?.(event, context)) ?? errorResult(noSuchRoute());
  };
}

const checked = new WeakSet<LambdaDeps>();

/** Once per container. While the table is out nothing can be sealed, and who asks is told so: it is looked at again with the next event. */
async function checkMasterKey(deps: LambdaDeps): Promise<void> {
  if (checked.has(deps)) return;
  try {
    await deps.checkMasterKey();
    checked.add(deps);
  } catch (error) {
    if (!(error instanceof ReelayError && error.code === 'store_unavailable')) throw error;
  }
}

let composed: LambdaDeps | undefined;
let dropFolder: ReturnType<typeof connectAwsDrop> | undefined;
/** Once per container, at its first event. */
const composedDeps = () => {
  composed ??= awsDeps(process.env);
  return composed;
};
/** The same for what no request calls: with another master key it does nothing. */
const checkedDeps = async () => {
  const deps = composedDeps();
  await checkMasterKey(deps);
  return deps;
};

/** What a schedule calls every minute. */
export const tickHandler = async (): Promise<void> => {
  const deps = await checkedDeps();
  const dispatch = { ...deps.webhooks, announce: deps.events.publish, sleep: deps.sleep, log: deps.log };
  const enclaves = [...(deps.enclaves ?? [])];
  // What is swept in one class is not to be counted or paid in another.
  const sweep = enclaves.map(([enclave, ports]) => ({ ...deps, ...ports, enclave }));
  const accounts = () => deps.accounts.sweep(deps.store);
  await tick({ sweep, dispatch, accounts, erasures: () => sweepUsers(deps), log: deps.log })();
};

/**
 * What S3 events and the reconciler's schedule call. `REELAY_TENANT` is whom drops in the bucket belong to. The bucket, and what comes out
 * there, is of the standard class: a drop of another one is refused, and no other enclave is asked, on which this function has no right.
 */
export const dropHandler = async (event: DropTrigger): Promise<SQSBatchResponse | undefined> => {
  const deps = await checkedDeps();
  dropFolder ??= connectAwsDrop(awsResourcesFrom(process.env).bucket, deps.now);
  const classes = Object.fromEntries(Object.entries(deps.classes).filter(([name]) => name === defaultResidency));
  const ports = { ...deps, ...deps.enclaves?.get(defaultResidency), classes };
  return ingestDrop({ ...ports, folder: dropFolder, tenant: process.env.REELAY_TENANT ?? 'default' })(event);
};

function handlersOf(deps: Deps) {
  return new Map(Object.entries(routes).map(([key, make]) => [key, make(deps)]));
}

/**
 * The model cards that the deployment wrote: beside the function, in the file that `REELAY_MODELS_FILE` names (an environment holds 4 KB,
 * and each card takes one of them), or as JSON in `REELAY_MODELS`.
 */
function modelsFrom(env: NodeJS.ProcessEnv): ModelCatalog {
  const file = env.REELAY_MODELS_FILE ?? '';
  const text = file === '' ? requiredFrom(env, 'REELAY_MODELS') : readFileSync(join(import.meta.dirname, file), 'utf8');
  return JSON.parse(text) as ModelCatalog;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * Deps on AWS; the models are modelsFrom's. `REELAY_API_KEY_SHA256` holds the hashes of the operator's keys, which open everything of the
 * tenant `default`; the other keys lie in the table.
 */
function awsDeps(env: NodeJS.ProcessEnv): LambdaDeps {
  const ports = connectAwsFront(env, parseResidency(env.REELAY_RESIDENCY ?? ''));
  const webhooks = createWebhookPorts({
    kv: ports.kv,
    allow: parseAllowList(env.REELAY_WEBHOOK_ALLOW ?? ''),
    now: () => Date.now(),
  });
  const now = () => Date.now();
  const models = modelsFrom(env);
  const enqueue: Deps['enqueueDeliveries'] = (event, url) => enqueueDeliveries(webhooks, event, url);
  const logger = new Logger({ serviceName: 'reelay' });
  const log: Log = (level, message, fields) => logger[level](message, fields as Record<string, string>);
  return {
    ...ports,
    sha256,
    shareOf: parseShares(env.REELAY_SHARES ?? ''),
    webhooks,
    checkWebhookUrl: url => checkWebhookUrl(url, webhooks.allow),
    enqueueDeliveries: enqueue,
    accounts: createAccounts({
      ...{ kv: ports.kv, events: ports.events, enqueueDeliveries: enqueue },
      ...{
        prices: openPrices(env.REELAY_PRICES, import.meta.dirname),
        now,
        random: randomBytes,
        sleep: (ms: number) => sleep(ms),
      },
    }),
    ...placesFrom(env),
    models,
    content: openPolicies(env.REELAY_POLICY, import.meta.dirname),
    now,
    random: randomBytes,
    authenticate: authenticateAt({
      accounts: createAuthenticator({ kv: ports.kv, now, sha256 }),
      operatorKey: bearerOf(env.REELAY_API_KEY_SHA256),
      tenant: 'default',
      isKeyless: false,
    }),
    rates: createRateLimiter(now),
    verifier: createRecordVerifier({
      kv: ports.kv,
      sha256,
      modelOf: digest => models.find(one => one.digest === digest)?.id,
    }),
    keyEnvironment: 'live',
    audit: connectAudit(ports.kv, auditSettingsFrom(env), { kind: 'door' }, () => Date.now()),
    canStream: false,
    sleep: ms => sleep(ms),
    log,
    describe: async () => ({ mode: 'aws' }),
  };
}

/**
 * Where this function stands, and where the installation's pools stand: REELAY_POOLS, or one cloud pool of this region, so that
 * nothing that must stay on the premises is accepted before someone said that there are any.
 */
function placesFrom(env: NodeJS.ProcessEnv): Pick<Deps, 'place' | 'servedPlaces'> {
  const here: Place = { pool: 'front-door', site: 'cloud', region: env.AWS_REGION ?? 'unknown' };
  const { REELAY_POOL: pool, REELAY_SITE: site, REELAY_REGION: region, REELAY_POOLS: pools = '' } = env;
  const place = parsePlace({ pool, site, region }, here);
  return {
    place,
    servedPlaces: pools === '' ? [{ ...here, pool: 'cloud' }] : parsePools(pools),
  };
}

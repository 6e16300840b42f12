import { join } from 'node:path';
import { openPolicies } from '#adapters/policy-files.ts';
import { openPrices } from '#adapters/price-file.ts';
import { parseDisclosing } from '#core/audit/disclosing.ts';
import { ReelayError } from '#core/errors.ts';
import { parseGoverning } from '#core/governance/acceptance.ts';
import { undecided } from '#core/governance/gate.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import { parsePlace, parsePools, parseResidency } from '#core/policy/residency.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import { type LocalPolicy, localPlace } from '#local/local-ports.ts';

/** Where the README says the server is. */
export const DEFAULT_PORT = 4180;

/** PORT, or 4180; 0 lets the system choose. */
export function portFrom(env: NodeJS.ProcessEnv): number {
  const text = env.PORT ?? '';
  if (text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ReelayError('invalid_request', `PORT: got "${text.slice(0, 20)}"; a number from 0 to 65535 is allowed.`);
  return port;
}

/** REELAY_DATA, or .reelay in the working directory. */
export function dataFolderFrom(env: NodeJS.ProcessEnv): string {
  return env.REELAY_DATA === undefined || env.REELAY_DATA === '' ? '.reelay' : env.REELAY_DATA;
}

/**
 * What the operator decides for all processes of a data folder: REELAY_PRICES, REELAY_SHARES (`acme=3,*=1:4`), REELAY_MAX_QUEUED,
 * REELAY_WEBHOOK_ALLOW (`127.0.0.1:9000,10.1.0.0/16`), REELAY_RESIDENCY, REELAY_POOLS, REELAY_COMMERCIAL, REELAY_TERRITORY, REELAY_ACCEPT_BUNDLES,
 * REELAY_DISCLOSURE, REELAY_LABEL, REELAY_OPERATOR; and for this one REELAY_POOL, REELAY_SITE,
 * REELAY_REGION and REELAY_PROVIDER.
 */
export function policyFrom(env: NodeJS.ProcessEnv): LocalPolicy {
  const { REELAY_SHARES: shares = '', REELAY_MAX_QUEUED: most = '', REELAY_WEBHOOK_ALLOW: allow = '' } = env;
  const webhookAllow = parseAllowList(allow);
  if (most !== '' && !/^[1-9]\d{0,8}$/.test(most))
    throw new ReelayError(
      'invalid_request',
      `REELAY_MAX_QUEUED: got "${most.slice(0, 20)}"; a whole number from 1 is allowed.`,
    );
  const residency = residencyFrom(env);
  const governing = parseGoverning(env, undecided);
  const disclosing = parseDisclosing(env);
  const provider = providerFrom(env);
  const content = openPolicies(env.REELAY_POLICY);
  const prices = openPrices(env.REELAY_PRICES);
  try {
    return {
      webhookAllow,
      content,
      prices,
      ...residency,
      provider,
      governing,
      disclosing,
      ...(shares === '' ? {} : { shareOf: parseShares(shares) }),
      ...(most === '' ? {} : { maxQueuedJobs: Number(most) }),
    };
  } catch (cause) {
    throw new ReelayError('invalid_request', `REELAY_SHARES: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** Where this process stands, and the rules of residency. */
function residencyFrom(env: NodeJS.ProcessEnv): Pick<LocalPolicy, 'place' | 'classes' | 'servedPlaces'> {
  const { REELAY_POOL: pool, REELAY_SITE: site, REELAY_REGION: region, REELAY_POOLS: pools = '' } = env;
  return {
    place: parsePlace({ pool, site, region }, localPlace),
    classes: parseResidency(env.REELAY_RESIDENCY ?? ''),
    ...(pools === '' ? {} : { servedPlaces: parsePools(pools) }),
  };
}

/** REELAY_DROP: the folder whose `in/` is watched, `drop` in the data folder unless said otherwise; `off` watches none. */
export function dropFolderFrom(env: NodeJS.ProcessEnv): { dropFolder?: string } {
  const folder = env.REELAY_DROP ?? '';
  if (folder === 'off') return {};
  return { dropFolder: folder === '' ? join(dataFolderFrom(env), 'drop') : folder };
}

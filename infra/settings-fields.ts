import { X509Certificate } from 'node:crypto';
import { parsePriceList } from '#core/accounts/price-list.ts';
import { isTenantId } from '#core/accounts/tenant.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import { parseTenantPolicy } from '#core/policy/content/tenant-policy.ts';
import { parseResidency } from '#core/policy/residency.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { defaultFleet } from './settings-defaults.ts';
import type { FleetSettings, OnPremPool, Settings } from './settings-types.ts';

type Json = Readonly<Record<string, unknown>>;

/** Reads one field: the value to take, or a sentence's end that says what is allowed. */
type Field = (value: unknown) => { readonly value: unknown } | { readonly allowed: string };

const filled = fits(value => typeof value === 'string' && value !== '', 'a text is allowed');
const names = fits(
  value => Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'string' && one !== ''),
  'a list of at least one text is allowed',
);
const whole = (min: number, max: number) =>
  fits(
    value => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
    `a whole number from ${min} to ${max} is allowed`,
  );
const positive = fits(value => isPositive(value), 'a number above 0 is allowed');
const orNull =
  (field: Field): Field =>
  value =>
    value === null ? { value } : field(value);

/** What CloudWatch takes as a retention. */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
];

const FLEET: Readonly<Record<keyof FleetSettings, Field>> = {
  mode: oneOf(['asg', 'managed-instances']),
  instanceTypes: names,
  workerImage: filled,
  maxSpotTasks: whole(0, 1_000),
  maxOnDemandTasks: whole(0, 1_000),
  minTasks: whole(0, 1_000),
  pricePerHourUsd: orNull(positive),
  coldStartSeconds: numbersBy(['low', 'mid', 'high', 'mean']),
  diskGiB: whole(30, 16_384),
  taskVcpu: whole(1, 192),
  taskMemoryGiB: whole(2, 1_536),
  zones: orNull(names),
  amiParameter: matching(/^\/[\w./-]+$/, 'the path of an SSM parameter is allowed'),
  autoscalerConcurrency: orNull(whole(1, 10)),
};

const FIELDS: Readonly<Record<Exclude<keyof Settings, 'stage'>, Field>> = {
  region: filled,
  residency: residency,
  models: names,
  modelSpeed: value =>
    isObject(value) && Object.values(value).every(isPositive)
      ? { value }
      : { allowed: 'an object from model to a number above 0 is allowed' },
  waitTargetSeconds: numbersBy(['interactive', 'standard', 'batch']),
  fleet: value =>
    value === null || isObject(value)
      ? { value }
      : { allowed: 'an object, or null for no GPUs in the cloud, is allowed' },
  onPrem: onPrem,
  logDays: fits(value => LOG_DAYS.some(days => days === value), `one of ${LOG_DAYS.join(', ')} is allowed`),
  auditYears: whole(1, 7),
  c2paKmsKey: orNull(
    matching(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, 'the ARN of a KMS key is allowed'),
  ),
  monthlyBudgetUsd: orNull(positive),
  prices: orNull(prices),
  policies: policies,
  alarmEmail: orNull(matching(/^[^@\s]+@[^@\s]+$/, 'an address of mail is allowed')),
  shares: readBy(text => parseShares(text)),
  webhookAllow: readBy(text => parseAllowList(text, 'webhookAllow')),
  dropTenant: filled,
  certificateAuthorityPem: orNull(fits(isCertificate, 'a certificate in PEM is allowed')),
};

/** The settings of a stage with the defaults filled in, and a sentence for each field that cannot be read. */
export function readFields(
  stage: string,
  document: unknown,
  defaults: Settings,
): { readonly settings: Settings; readonly problems: readonly string[] } {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(stage))
    problems.push(
      `stage: got ${quoted(stage)}; up to 16 lower-case letters, digits and dashes, a letter first, are allowed.`,
    );
  if (!isObject(document))
    return { settings: defaults, problems: ['The settings: an object from stage to settings is allowed.'] };
  for (const [name, part] of Object.entries(document))
    if (Object.hasOwn(FIELDS, name))
      problems.push(`${name}: it stands outside of any stage; {"*": {"${name}": …}} is allowed.`);
    else if (!isObject(part)) problems.push(`${name}: got ${quoted(part)}; an object of settings is allowed.`);
  const own = { ...partOf(document, '*'), ...partOf(document, stage) };
  const fleets = [partOf(document, '*').fleet, partOf(document, stage).fleet];
  const read = readAll(own, FIELDS, '', problems);
  const fleet = own.fleet === null ? null : { ...defaultFleet, ...readAll(merged(fleets), FLEET, 'fleet.', problems) };
  return { settings: { ...defaults, ...read, stage, fleet } as Settings, problems };
}

function readAll(own: Json, fields: Readonly<Record<string, Field>>, prefix: string, problems: string[]): Json {
  const read: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(own)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const known = Object.keys(fields).join(', ');
    const result = field === undefined ? { allowed: `it is not a setting; ${known} are` } : field(given);
    if ('value' in result) read[name] = result.value;
    else problems.push(`${prefix}${name}: got ${quoted(given)}; ${result.allowed}.`);
  }
  return read;
}

function residency(value: unknown): ReturnType<Field> {
  if (!isObject(value)) return { allowed: 'an object from class to rule is allowed' };
  try {
    const all = parseResidency(JSON.stringify(value));
    if (new Set(Object.keys(value).map(plain)).size < Object.keys(value).length)
      return { allowed: 'each class has a name of its own, dashes aside' };
    // The built-in classes that the file does not name get no enclave.
    return { value: Object.fromEntries(Object.keys({ standard: 0, ...value }).map(name => [name, all[name]])) };
  } catch (error) {
    return { allowed: (error as Error).message.replace(/\.$/, '') };
  }
}

/** Workers are told them in their environment: a task definition has 64 KB in all. */
const MAX_POLICY_BYTES = 32_768;

function policies(value: unknown): ReturnType<Field> {
  if (!isObject(value)) return { allowed: 'an object from tenant to policy is allowed' };
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MAX_POLICY_BYTES) return { allowed: `policies of ${MAX_POLICY_BYTES} bytes in all are allowed` };
  try {
    for (const [tenant, policy] of Object.entries(value)) {
      if (!isTenantId(tenant)) return { allowed: `"${tenant.slice(0, 40)}" is no tenant` };
      parseTenantPolicy(JSON.stringify(policy));
    }
    return { value };
  } catch (error) {
    return { allowed: (error as Error).message.replace(/\.$/, '') };
  }
}

function prices(value: unknown): ReturnType<Field> {
  try {
    parsePriceList(JSON.stringify(value), 'prices', text => text);
    return { value };
  } catch (error) {
    return { allowed: (error as Error).message.replace(/\.$/, '') };
  }
}

function onPrem(value: unknown): ReturnType<Field> {
  const allowed =
    'a list of {"pool", "region", "servers", "access"} is allowed, access being roles-anywhere, ecs-anywhere or keys';
  if (!Array.isArray(value)) return { allowed };
  const pools = value.map(
    one => ({ servers: 1, access: 'keys', ...(isObject(one) ? one : {}) }) as unknown as OnPremPool,
  );
  const isPool = ({ pool, region, servers, access, ...others }: OnPremPool) =>
    isText(pool, /^[a-z][a-z0-9-]{0,62}$/) &&
    isText(region, /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/) &&
    Number.isInteger(servers) &&
    servers > 0 &&
    ['roles-anywhere', 'ecs-anywhere', 'keys'].includes(access) &&
    Object.keys(others).length === 0;
  if (!pools.every(isPool)) return { allowed };
  return new Set(pools.map(({ pool }) => plain(pool))).size === pools.length
    ? { value: pools }
    : { allowed: 'each pool has a name of its own, dashes aside' };
}

function numbersBy(keys: readonly string[]): Field {
  const allowed = `a number above 0 for each of ${keys.join(', ')} is allowed`;
  return value =>
    isObject(value) && keys.every(key => isPositive(value[key])) && Object.keys(value).every(key => keys.includes(key))
      ? { value }
      : { allowed };
}

function oneOf(values: readonly string[]): Field {
  return fits(value => values.some(one => one === value), `one of ${values.join(', ')} is allowed`);
}

function fits(test: (value: unknown) => boolean, allowed: string): Field {
  return value => (test(value) ? { value } : { allowed });
}

/** What a parser of the product says of a text that it refuses. */
function readBy(parse: (text: string) => unknown): Field {
  return value => {
    if (typeof value !== 'string') return { allowed: 'a text is allowed' };
    try {
      parse(value);
      return { value };
    } catch (error) {
      // It names its setting and what it got, as we do.
      return { allowed: (error as Error).message.replace(/^.*\bgot "[^"]*"; |^\w+: /, '').replace(/\.$/, '') };
    }
  };
}

function matching(pattern: RegExp, allowed: string): Field {
  return fits(value => isText(value, pattern), allowed);
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function isCertificate(value: unknown): boolean {
  if (!isText(value, /^-----BEGIN CERTIFICATE-----/)) return false;
  try {
    return new X509Certificate(String(value)).raw.length > 0;
  } catch {
    return false;
  }
}

/** Names of resources are made without dashes. */
function plain(name: string): string {
  return name.replaceAll('-', '');
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function partOf(document: Json, stage: string): Json {
  const part = Object.hasOwn(document, stage) ? document[stage] : undefined;
  return isObject(part) ? part : {};
}

function merged(parts: readonly unknown[]): Json {
  return Object.assign({}, ...parts.filter(isObject));
}

function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}

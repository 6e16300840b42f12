/** @file What a deployed worker is told by its environment, read once and strictly: a setting that cannot be meant stops the start. */
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AwsResources, awsResourcesFrom, type EnclaveResources, type Environment } from '#adapters/aws/connect.ts';
import { type AuditSettings, auditSettingsFrom } from '#adapters/aws/connect-audit.ts';
import { awsEnclavesFrom } from '#adapters/aws/connect-enclaves.ts';
import { createKmsSigner } from '#adapters/aws/kms-signer.ts';
import { masterKeyFromSetting } from '#adapters/master-key.ts';
import { openPolicies } from '#adapters/policy-files.ts';
import { receiptKeysFromSetting } from '#adapters/receipt-key-setting.ts';
import { type Disclosing, parseDisclosing } from '#core/audit/disclosing.ts';
import { parseBundlePin } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { parseGoverning } from '#core/governance/acceptance.ts';
import { type Governing, undecided } from '#core/governance/gate.ts';
import { parseShares, type TenantShare } from '#core/jobs/fair-order.ts';
import { limits } from '#core/limits.ts';
import type { StorePlaces } from '#core/placement/receipt.ts';
import type { ReceiptSigner } from '#core/placement/sign-receipt.ts';
import {
  defaultResidency,
  type Place,
  parsePlace,
  parseResidency,
  type ResidencyClasses,
  servedClasses,
} from '#core/policy/residency.ts';
import type { ContentPolicies } from '#core/policy/reviews/content-ports.ts';
import type { Provider } from '#core/provider.ts';
import { type AllowList, parseAllowList } from '#core/webhooks/allow-list.ts';
import type { MarkingKeys } from '#gpu-container/provenance/marking-keys.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import { type BundleSettings, bundleSettingsFrom } from './bundle-settings.ts';
import { markingKeysFromSettings } from './marking-settings.ts';

/** A worker on the AWS adapters, as its environment describes it. */
export interface AwsWorkerSettings {
  readonly aws: AwsResources;
  /** Where it stands, by which it may serve a class or not: nobody guesses that. */
  readonly place: Place;
  /** The rules of this installation. */
  readonly classes: ResidencyClasses;
  /** What it opens: the classes that a worker at its place may serve, the most restricted first, and no other. */
  readonly enclaves: ReadonlyMap<string, EnclaveResources>;
  /** Signs where each job was processed. */
  readonly receiptSigner: ReceiptSigner;
  /** Wraps the keys that prompts, references and checkpoints are sealed with: 32 bytes. */
  readonly masterKey: Uint8Array;
  /** What its videos are marked with. */
  readonly marking: MarkingKeys;
  readonly audit: AuditSettings;
  /** Where table and bucket stand. */
  readonly stores: StorePlaces;
  readonly provider: Provider;
  /** What videos disclose beside their marks. */
  readonly disclosing: Disclosing;
  /** Which bundles may be rendered here. */
  readonly governing: Governing;
  /** Of one inference. */
  readonly threads: number;
  /** Folders of bundles that are on disk already, by model id. */
  readonly bundles: ReadonlyMap<string, string>;
  /** What each model's bundle must be, by model id; those without a folder are fetched by it. */
  readonly digests: ReadonlyMap<string, string>;
  /** The sha256 of its bundle.json, by model id, of those for which it is said. */
  readonly manifests: ReadonlyMap<string, string>;
  /** Where those are fetched from and kept. */
  readonly bundleStore: BundleSettings;
  /** Bundles are kept loaded while their files come to no more than this; undefined: by the machine's memory. */
  readonly loadedBytes: number | undefined;
  /** Where attempts write; a folder of its own for each. */
  readonly scratchRoot: string;
  readonly shareOf: (tenant: string) => TenantShare;
  /** What may be rendered: REELAY_POLICY, as the front door has it. */
  readonly content: ContentPolicies;
  readonly webhookAllow: AllowList;
  /** ECS's address for task protection; undefined outside ECS. */
  readonly ecsAgentUri: string | undefined;
  /** Where ECS tells a container which task it is in; undefined outside ECS. */
  readonly ecsMetadataUri: string | undefined;
  /** Where Spot notices are asked for; undefined: this is no Spot instance. */
  readonly spotMetadataUri: string | undefined;
}

/** More threads than any machine that serves one GPU has cores: a larger number is a slip of the finger. */
const MAX_THREADS = 256;

/** Throws `invalid_request` with a sentence that names the variable, what was got and what is allowed. */
export function awsWorkerSettingsFrom(env: Environment): AwsWorkerSettings {
  const bundles = pairsFrom(env, 'REELAY_BUNDLES', 'folder');
  const { digests, manifests } = pinsFrom(env);
  if (bundles.size + digests.size === 0)
    throw new ReelayError(
      'invalid_request',
      'REELAY_BUNDLES and REELAY_BUNDLE_DIGESTS: neither is set, so this worker would have no model to render with.',
    );
  return {
    aws: sentence(() => awsResourcesFrom(env)),
    ...residencyFrom(env),
    receiptSigner: receiptKeysFromSetting(env.REELAY_RECEIPT_KEY),
    masterKey: masterKeyFromSetting(env.REELAY_MASTER_KEY),
    marking: markingKeysFromSettings(env, createKmsSigner()),
    audit: auditSettingsFrom(env),
    stores: storesFrom(env),
    provider: providerFrom(env),
    governing: parseGoverning(env, undecided),
    disclosing: parseDisclosing(env),
    threads: threadsFrom(env),
    bundles,
    digests,
    manifests,
    bundleStore: bundleSettingsFrom(env),
    loadedBytes: bytesFrom(env, 'REELAY_LOADED_BYTES'),
    scratchRoot: textFrom(env, 'REELAY_SCRATCH') ?? join(tmpdir(), 'reelay'),
    content: openPolicies(env.REELAY_POLICY),
    shareOf: sentence(() => parseShares(env.REELAY_SHARES ?? ''), 'REELAY_SHARES'),
    webhookAllow: parseAllowList(env.REELAY_WEBHOOK_ALLOW ?? ''),
    ecsAgentUri: textFrom(env, 'ECS_AGENT_URI'),
    ecsMetadataUri: textFrom(env, 'ECS_CONTAINER_METADATA_URI_V4'),
    spotMetadataUri: flagFrom(env, 'REELAY_SPOT')
      ? (textFrom(env, 'AWS_EC2_METADATA_SERVICE_ENDPOINT') ?? 'http://169.254.169.254')
      : undefined,
  };
}

/** REELAY_STORE_SITE and REELAY_STORE_REGION, for stores of one's own that speak AWS's language; else they are AWS's, in its region. */
function storesFrom(env: Environment): StorePlaces {
  const site = textFrom(env, 'REELAY_STORE_SITE') ?? 'cloud';
  if (site !== 'cloud' && site !== 'onprem') throw refusal('REELAY_STORE_SITE', site, 'cloud and onprem are allowed');
  const region = textFrom(env, 'REELAY_STORE_REGION') ?? textFrom(env, 'AWS_REGION') ?? 'unknown';
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(region))
    throw refusal('REELAY_STORE_REGION', region, 'up to 63 letters, digits and dashes are allowed');
  return { records: { site, region }, objects: { site, region } };
}

/** Where the worker stands, the rules, and of the enclaves those that both together let it open. */
function residencyFrom(env: Environment): Pick<AwsWorkerSettings, 'place' | 'classes' | 'enclaves'> {
  const place = parsePlace({ pool: env.REELAY_POOL, site: env.REELAY_SITE, region: env.REELAY_REGION });
  const classes = parseResidency(env.REELAY_RESIDENCY ?? '');
  const all = sentence(() => awsEnclavesFrom(env, classes));
  const served = servedClasses(classes, place).flatMap(name => {
    const resources = all.get(name);
    return resources === undefined ? [] : [[name, resources] as const];
  });
  const { pool, site, region } = place;
  const here = `a worker of pool ${pool} (${site}, ${region})`;
  if (served.some(([name]) => name === defaultResidency)) return { place, classes, enclaves: new Map(served) };
  // What all workers share, presence, webhooks and claims, lies in its table; opening that would go around its rule.
  if (served.length > 0)
    throw new ReelayError(
      'invalid_request',
      `REELAY_RESIDENCY: ${here} may not serve ${defaultResidency}, whose table holds what all workers share; a rule of it that allows every pool is needed.`,
    );
  throw new ReelayError('invalid_request', `REELAY_ENCLAVES: ${here} may serve none of ${[...all.keys()].join(', ')}.`);
}

/** REELAY_THREADS, or four of the cores there are: more of them give a GPU's worker nothing. */
export function threadsFrom(env: Environment): number {
  const text = textFrom(env, 'REELAY_THREADS');
  if (text === undefined) return Math.max(1, Math.min(limits.defaultThreads, availableParallelism()));
  const threads = Number(text);
  if (!/^[1-9]\d{0,5}$/.test(text) || threads > MAX_THREADS)
    throw refusal('REELAY_THREADS', text, `a whole number from 1 to ${MAX_THREADS} is allowed`);
  return threads;
}

/** "id=value,id=value"; an id twice, a part without a value and an id that no bundle can have are refused. */
function pairsFrom(env: Environment, name: string, what: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const entry of (textFrom(env, name) ?? '').split(',').map(one => one.trim())) {
    if (entry === '') continue;
    const at = entry.indexOf('=');
    const [id, value] = [entry.slice(0, Math.max(0, at)), entry.slice(at + 1)];
    if (at < 1 || value === '' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id))
      throw refusal(name, entry, `id=${what},id=${what} is allowed`);
    if (pairs.has(id)) throw refusal(name, entry, 'each id is named once');
    pairs.set(id, value);
  }
  return pairs;
}

/** "id=digest" or "id=digest:sha256 of bundle.json", by commas. */
function pinsFrom(env: Environment): Pick<AwsWorkerSettings, 'digests' | 'manifests'> {
  const digests = new Map<string, string>();
  const manifests = new Map<string, string>();
  for (const [id, text] of pairsFrom(env, 'REELAY_BUNDLE_DIGESTS', 'digest')) {
    const pin = parseBundlePin(text);
    if (pin === undefined)
      throw refusal(
        'REELAY_BUNDLE_DIGESTS',
        `${id}=${text}`,
        'a digest is 64 lower-case hex digits, and after a colon may come those of bundle.json',
      );
    digests.set(id, pin.digest);
    if (pin.manifest !== undefined) manifests.set(id, pin.manifest);
  }
  return { digests, manifests };
}

function bytesFrom(env: Environment, name: string): number | undefined {
  const text = textFrom(env, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,14}$/.test(text)) throw refusal(name, text, 'a whole number of bytes from 1 is allowed');
  return Number(text);
}

function flagFrom(env: Environment, name: string): boolean {
  const text = textFrom(env, name) ?? '0';
  if (text !== '0' && text !== '1') throw refusal(name, text, '1 and 0 are allowed');
  return text === '1';
}

/** An empty variable is one that is not set: a task definition cannot leave one out. */
function textFrom(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

/** What another room says of a setting, as our refusal. */
function sentence<T>(parse: () => T, name?: string): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof ReelayError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ReelayError('invalid_request', name === undefined ? `${capital(said)}.` : `${name}: ${said}`, { cause });
  }
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A value is quoted as far as a person needs to find it. */
function refusal(name: string, got: string, allowed: string): ReelayError {
  return new ReelayError('invalid_request', `${name}: got "${got.slice(0, 80)}"; ${allowed}.`);
}

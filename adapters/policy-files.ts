/** Tenants' policies as files. One that cannot be read, or says what is not allowed, stops whoever would start with it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { type PreparedPolicy, preparePolicy } from '#core/policy/content/prepare-policy.ts';
import { parseTenantPolicy } from '#core/policy/content/tenant-policy.ts';
import type { ContentPolicies } from '#core/policy/reviews/content-ports.ts';

const SETTING = 'REELAY_POLICY';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/**
 * What `REELAY_POLICY` names: nothing is the floor alone for everybody; a file is every tenant's policy, or with `{"tenants": {"acme": …}}`
 * those of some; a text that begins with a brace is what such a file holds; a folder has a `<tenant>.json` for each of some. Throws a sentence, and never goes on with less than was asked for.
 */
export function openPolicies(setting = '', folder = '.'): ContentPolicies {
  if (setting === '') return policiesOf(undefined, new Map());
  if (setting.startsWith('{')) return fromText(setting, 'its value');
  const path = join(setting.startsWith('/') ? '' : folder, setting);
  return isFolder(path) ? fromFolder(path) : fromText(readText(path), path);
}

/** The floor alone, for everybody. */
export function floorForAll(): ContentPolicies {
  return policiesOf(undefined, new Map());
}

function policiesOf(all: PreparedPolicy | undefined, byTenant: ReadonlyMap<string, PreparedPolicy>): ContentPolicies {
  let others = all;
  const floor = () => {
    others ??= preparePolicy(sha256);
    return others;
  };
  return { policyOf: tenant => byTenant.get(tenant) ?? floor() };
}

function fromFolder(path: string): ContentPolicies {
  const byTenant = new Map<string, PreparedPolicy>();
  for (const name of readdirSync(path).sort()) {
    if (name.startsWith('.')) continue;
    const [, tenant] = /^([a-z0-9][a-z0-9_-]*)\.json$/.exec(name) ?? [];
    // A file that nobody reads may be the policy of somebody whose name was mistyped.
    if (tenant === undefined)
      throw complaint(join(path, name), "the name is no tenant's; <tenant>.json is allowed, and nothing else.");
    byTenant.set(tenant, prepared(readText(join(path, name)), join(path, name)));
  }
  // A volume that was not mounted looks like this, and would leave everybody with less than they were to have.
  if (byTenant.size === 0) throw complaint(path, 'the folder has no <tenant>.json.');
  return policiesOf(undefined, byTenant);
}

function fromText(text: string, path: string): ContentPolicies {
  const tenants = tenantsOf(text);
  if (tenants === undefined) return policiesOf(prepared(text, path), new Map());
  const read = Object.entries(tenants).map(([tenant, file]) => {
    if (!/^[a-z0-9][a-z0-9_-]*$/.test(tenant))
      throw complaint(path, `tenants.${tenant.slice(0, 40)}: this is no tenant.`);
    return [tenant, prepared(JSON.stringify(file), `${path}: tenants.${tenant}`)] as const;
  });
  return policiesOf(undefined, new Map(read));
}

function tenantsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(text) as { readonly tenants?: unknown };
    const isMap = value !== null && typeof value === 'object' && Object.keys(value).join() === 'tenants';
    const { tenants } = value;
    return isMap && tenants !== null && typeof tenants === 'object' ? (tenants as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // told by the parser of policies
  }
}

function prepared(text: string, path: string): PreparedPolicy {
  try {
    return preparePolicy(sha256, parseTenantPolicy(text));
  } catch (error) {
    if (error instanceof ReelayError) throw complaint(path, error.message);
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw complaint(path, `it cannot be read (${codeOf(error)}).`);
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > 4 * contentLimits.maxTenantFileBytes) throw complaint(path, 'it is too large.');
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof ReelayError) throw error;
    throw complaint(path, `it cannot be read (${codeOf(error)}).`);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'no reason given';
}

function complaint(path: string, message: string): ReelayError {
  return new ReelayError('invalid_request', `${SETTING}: ${path}: ${message}`);
}

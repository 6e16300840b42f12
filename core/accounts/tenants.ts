/** The verbs on tenants, which are the operator's, and on the installation's own budget. */
import { invalidRequest, ReelayError } from '../errors.ts';
import type { KeyValueStore } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import { type Budget, noBudget } from './budget.ts';
import { defaultTenant, impliedTenant, isTenantId, parseTenantFields, type TenantRecord } from './tenant.ts';

/** What managing tenants needs. */
export interface TenantPorts {
  readonly kv: KeyValueStore;
  readonly now: () => number;
}

/** The space of tenants; the names are their ids. */
export const tenantSpace = 'tenants/all';

const BUDGET_PLACE = { space: 'tenants/installation', name: 'budget' } as const;

/** Makes a tenant. Throws `invalid_request` with every problem, also for an id that is taken. */
export async function createTenant(ports: TenantPorts, id: string, input: unknown): Promise<TenantRecord> {
  if (!isTenantId(id)) {
    const allowed = `1 to ${accountLimits.maxTenantChars} of a to z, 0 to 9, "-" and "_", beginning with a letter or digit, are needed.`;
    throw invalidRequest([{ path: 'id', message: `id: ${allowed}` }]);
  }
  const fields = parseTenantFields(input, { ...defaultTenant, name: id });
  const value: TenantRecord = { v: 1, id, ...fields, createdAtMs: ports.now() };
  if ((await ports.kv.create({ space: tenantSpace, name: id, value, expiresAtMs: null, dueAtMs: null })) === undefined)
    throw invalidRequest([{ path: 'id', message: `id: there is a tenant "${id}" already.` }]);
  return value;
}

/** A tenant; `default` and `local` are there without having been made. undefined for an unknown one. */
export async function readTenant(ports: Pick<TenantPorts, 'kv'>, id: string): Promise<TenantRecord | undefined> {
  if (!isTenantId(id)) return undefined;
  const entry = await ports.kv.get(tenantSpace, id);
  return (entry?.value as TenantRecord | undefined) ?? impliedTenant(id);
}

/** Sets what the input names, for requests from accountLimits.keyStaleMs on. Throws `not_found`, `invalid_request`. */
export async function updateTenant(ports: TenantPorts, id: string, input: unknown): Promise<TenantRecord> {
  for (;;) {
    const entry = isTenantId(id) ? await ports.kv.get(tenantSpace, id) : undefined;
    const before = (entry?.value as TenantRecord | undefined) ?? impliedTenant(id);
    if (before === undefined) throw new ReelayError('not_found', 'id: no tenant with this id.');
    const { disclosure: _, outputDays: __, ...kept } = before; // the fields have it, or it was taken away
    const value: TenantRecord = { ...kept, ...parseTenantFields(input, before) };
    const next = { space: tenantSpace, name: id, value, expiresAtMs: null, dueAtMs: null };
    const written = entry === undefined ? ports.kv.create(next) : ports.kv.replace({ ...next, version: entry.version });
    if ((await written) !== undefined) return value;
  }
}

/** A page of tenants by id; the list may lag a moment behind. */
export async function listTenants(
  ports: Pick<TenantPorts, 'kv'>,
  query: { readonly limit: number; readonly after?: string },
): Promise<readonly TenantRecord[]> {
  return (await ports.kv.list(tenantSpace, query)).map(entry => entry.value as TenantRecord);
}

/** What the installation may commit; as much as comes where nobody said. */
export async function readInstallationBudget(ports: Pick<TenantPorts, 'kv'>): Promise<Budget> {
  const entry = await ports.kv.get(BUDGET_PLACE.space, BUDGET_PLACE.name);
  return (entry?.value as Budget | undefined) ?? noBudget;
}

/** Sets it, from the next read on; slices that were given shrink with the next sweep. */
export async function setInstallationBudget(ports: Pick<TenantPorts, 'kv'>, budget: Budget): Promise<void> {
  await ports.kv.put({ ...BUDGET_PLACE, value: budget, expiresAtMs: null, dueAtMs: null });
}

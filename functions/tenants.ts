import type { Budget } from '#core/accounts/budget.ts';
import {
  createTenant,
  listTenants,
  readInstallationBudget,
  readTenant,
  setInstallationBudget,
  updateTenant,
} from '#core/accounts/tenants.ts';
import { ReelayError } from '#core/errors.ts';
import { fieldsOf, parseInstallation } from './account-input.ts';
import { toBudget, toTenant } from './account-wire.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';
import { tellLedger } from './tell-ledger.ts';
import { optionalBody, parsePage } from './webhook-input.ts';
import { toPage } from './webhook-wire.ts';

const scope = 'tenants:admin';

/** GET /v1/tenants?after&limit, by id: those that were made or set. */
export function listAllTenants(deps: Deps): ApiHandler {
  const handle = async ({ queryStringParameters }: ApiEvent) => {
    const { limit, after } = parsePage(queryStringParameters);
    const found = await listTenants(deps, { limit: limit + 1, ...(after === undefined ? {} : { after }) });
    return json(200, toPage(found.slice(0, limit).map(toTenant), found.length > limit));
  };
  return api(deps, 'tenant-list', handle, { scope });
}

/** POST /v1/tenants {id, name, limits, budget, suspended} */
export function createOneTenant(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const { id, ...fields } = fieldsOf(event.input);
    const tenant = await createTenant(deps, typeof id === 'string' ? id : '', fields);
    await tellLedger(deps, event, 'tenant.create', { kind: 'tenant', name: tenant.id }, 'done');
    return json(200, toTenant(tenant));
  };
  return api(deps, 'tenant-create', handle, { scope, body: true });
}

/** GET /v1/tenants/{id} */
export function retrieveTenant(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const tenant = await readTenant(deps, idOf(event));
    if (tenant === undefined) throw new ReelayError('not_found', 'id: no tenant with this id.');
    return json(200, toTenant(tenant));
  };
  return api(deps, 'tenant-retrieve', handle, { scope });
}

/** POST /v1/tenants/{id}: sets what the body names. */
export function updateOneTenant(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const tenant = await updateTenant(deps, idOf(event), await optionalBody(event));
    await tellLedger(deps, event, 'tenant.change', { kind: 'tenant', name: tenant.id }, 'done');
    return json(200, toTenant(tenant));
  };
  return api(deps, 'tenant-update', handle, { scope });
}

/** GET /v1/installation: its budget. */
export function retrieveInstallation(deps: Deps): ApiHandler {
  const handle = async () => json(200, toInstallation(await readInstallationBudget(deps)));
  return api(deps, 'installation', handle, { scope });
}

/** POST /v1/installation {budget}: set as a whole. */
export function updateInstallation(deps: Deps): ApiHandler {
  const handle = async (event: ApiEvent) => {
    const budget = parseInstallation(event.input);
    await tellLedger(deps, event, 'budget.set', { kind: 'budget', name: 'all' });
    await setInstallationBudget(deps, budget);
    return json(200, toInstallation(budget));
  };
  return api(deps, 'installation-update', handle, { scope, body: true });
}

const toInstallation = (budget: Budget) => ({ object: 'installation', budget: toBudget(budget) });

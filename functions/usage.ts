import { readTenant } from '#core/accounts/tenants.ts';
import { parseUsageQuery, readSums, readUsage, usageCsv } from '#core/accounts/usage-report.ts';
import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';
import { type HttpResult, json } from './http.ts';
import { type ApiEvent, type ApiHandler, api } from './middleware.ts';
import { wantsCsv, whoseUsage } from './usage-query.ts';
import { toUsageReport } from './usage-wire.ts';

/** GET /v1/usage?from&to&group_by&tenant&format: what a tenant has used by day, key and model, and what its budgets have left. */
export function readUsageReport(deps: Deps): ApiHandler {
  return api(deps, 'usage', event => usage(deps, event), { scope: 'usage:read' });
}

async function usage(deps: Deps, event: ApiEvent): Promise<HttpResult> {
  const { principal, queryStringParameters: asked = {} } = event;
  const tenant = whoseUsage(asked, principal);
  const query = parseUsageQuery(asked, deps.now());
  const account = tenant === principal.tenant ? principal.account : await readTenant(deps, tenant);
  if (account === undefined) throw new ReelayError('not_found', 'tenant: no tenant with this id.');
  const report = await readUsage(deps, tenant, query);
  if (wantsCsv(event)) return csv(usageCsv(report), `usage-${tenant}-${query.first}-${query.last}.csv`);
  const sums = await readSums(deps, tenant, null, deps.now());
  return json(200, toUsageReport(account, query, report, sums));
}

function csv(body: string, name: string): HttpResult {
  const headers = {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  };
  return { statusCode: 200, headers, body };
}

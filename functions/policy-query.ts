import { isTenantId } from '#core/accounts/tenant.ts';
import { invalidRequest, type Problem } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { ReviewQuery } from '#core/policy/reviews/queue.ts';
import type { FrontEvent } from './http.ts';

/** The query string of GET /v1/policy/reviews; every problem at once. */
export function parseReviewQuery(
  query: Readonly<Record<string, string | undefined>> = {},
): ReviewQuery & { readonly tenant?: string } {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  for (const name of Object.keys(query))
    if (!['after', 'limit', 'state', 'tenant'].includes(name))
      complain(name.slice(0, 64), 'unknown; after, limit, state and tenant are known.');
  const { after, limit = String(limits.listDefault), state = 'open', tenant } = query;
  if (!/^\d{1,9}$/.test(limit) || Number(limit) < 1 || Number(limit) > limits.listMax)
    complain('limit', `got "${limit.slice(0, 40)}"; 1 to ${limits.listMax} is allowed.`);
  if (state !== 'open' && state !== 'all') complain('state', `got "${state.slice(0, 40)}"; open or all is allowed.`);
  if (tenant !== undefined && !isTenantId(tenant)) complain('tenant', 'this is the id of no tenant.');
  if (problems.length > 0) throw invalidRequest(problems);
  const from = after === undefined ? {} : { after };
  return { limit: Number(limit), all: state === 'all', ...from, ...(tenant === undefined ? {} : { tenant }) };
}

/** The tenant that an operator names beside an item. */
export function tenantNamed(event: FrontEvent): string | undefined {
  const tenant = event.queryStringParameters?.tenant;
  return tenant !== undefined && isTenantId(tenant) ? tenant : undefined;
}

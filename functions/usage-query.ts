import type { Principal } from '#core/accounts/authenticate.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { checkScope } from '#core/accounts/scopes.ts';
import { invalidRequest, type Problem } from '#core/errors.ts';
import type { ApiEvent } from './middleware.ts';

type Query = Readonly<Record<string, string | undefined>>;

const KNOWN: Readonly<Record<string, true>> = { from: true, to: true, group_by: true, tenant: true, format: true };

/** One's own; another tenant's is the operator's business. Throws `forbidden`, and `invalid_request` for what is no parameter. */
export function whoseUsage(asked: Query, { tenant, scopes }: Pick<Principal, 'tenant' | 'scopes'>): string {
  const known = Object.keys(KNOWN).join(', ');
  const problems: Problem[] = Object.keys(asked)
    .filter(name => !Object.hasOwn(KNOWN, name))
    .map(name => ({ path: name.slice(0, 64), message: `${name.slice(0, 64)}: unknown; ${known} are known.` }));
  if (asked.format !== undefined && asked.format !== 'csv' && asked.format !== 'json')
    problems.push({ path: 'format', message: 'format: csv and json are allowed.' });
  if (problems.length > 0) throw invalidRequest(problems);
  if (asked.tenant === undefined || asked.tenant === tenant) return tenant;
  const refused = checkScope(scopes, 'tenants:admin');
  if (refused !== undefined) throw refusedError(refused);
  return asked.tenant;
}

/** `format` before `Accept`. */
export function wantsCsv({ headers, queryStringParameters }: Pick<ApiEvent, 'headers' | 'queryStringParameters'>) {
  const format = queryStringParameters?.format;
  return format === 'csv' || (format === undefined && /\btext\/csv\b/i.test(headers.accept ?? ''));
}

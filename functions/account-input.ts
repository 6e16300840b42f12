import { type Budget, parseBudget } from '#core/accounts/budget.ts';
import { invalidRequest, type Problem } from '#core/errors.ts';

/** What is no object has no fields, so whatever reads them says which are needed. */
export function fieldsOf(input: unknown): Record<string, unknown> {
  return input !== null && typeof input === 'object' && !Array.isArray(input) ? { ...input } : {};
}

/** `tenant` of a query string, and nothing else; every problem at once. */
export function onlyTenant(query: Readonly<Record<string, string | undefined>> = {}): string | undefined {
  const problems: Problem[] = [];
  for (const name of Object.keys(query).map(text => text.slice(0, 64)))
    if (name !== 'tenant') problems.push({ path: name, message: `${name}: unknown; tenant is known.` });
  if (problems.length > 0) throw invalidRequest(problems);
  return query.tenant;
}

/** `{"budget": {"day", "month"}}` of the installation. Throws `invalid_request` with every problem. */
export function parseInstallation(input: unknown): Budget {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const { budget: asked, ...others } = fieldsOf(input);
  for (const field of Object.keys(others)) complain(field.slice(0, 64), 'unknown field; known fields: budget.');
  const budget = parseBudget(asked, (path, text) => complain(path === '' ? 'budget' : `budget.${path}`, text));
  if (budget === undefined || problems.length > 0) throw invalidRequest(problems);
  return budget;
}

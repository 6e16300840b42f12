import { invalidRequest, type Problem } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { readBody } from './body.ts';
import type { FrontEvent } from './http.ts';

/** The body of a call that may come without one, which is then an empty object. */
export async function optionalBody(event: FrontEvent): Promise<unknown> {
  return event.bytes === undefined && (event.body ?? '') === '' ? {} : readBody(event);
}

/** `after` and `limit` of a list, and nothing else; every problem at once. */
export function parsePage(query: Readonly<Record<string, string | undefined>> = {}): { limit: number; after?: string } {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  for (const name of Object.keys(query))
    if (!['after', 'limit'].includes(name)) complain(name.slice(0, 64), 'unknown; after and limit are known.');
  const { after, limit = String(limits.listDefault) } = query;
  const most = limits.listMax;
  if (!/^\d{1,9}$/.test(limit) || Number(limit) < 1 || Number(limit) > most)
    complain('limit', `got "${limit.slice(0, 40)}"; 1 to ${most} is allowed.`);
  if (problems.length > 0) throw invalidRequest(problems);
  return { limit: Number(limit), ...(after === undefined ? {} : { after }) };
}

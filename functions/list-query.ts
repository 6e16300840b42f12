import { invalidRequest, type Problem } from '#core/errors.ts';
import { type JobStatus, statuses } from '#core/job.ts';
import { isJobId } from '#core/job-id.ts';
import { limits } from '#core/limits.ts';
import type { JobQuery } from '#core/ports.ts';

/** The query string of GET /v1/videos; every problem at once, nothing clamped. */
export function parseListQuery(query: Readonly<Record<string, string | undefined>> = {}): JobQuery {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1];
    if (key !== undefined) metadata[key] = value ?? '';
    else if (!['after', 'limit', 'order', 'status'].includes(name))
      complain(name.slice(0, 64), 'unknown; after, limit, order, status and metadata[key] are known.');
  }
  const { after, order = 'desc', status } = query;
  const limit = /^\d{1,9}$/.test(query.limit ?? `${limits.listDefault}`)
    ? Number(query.limit ?? limits.listDefault)
    : Number.NaN;
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.listMax)
    complain('limit', `got "${query.limit?.slice(0, 40)}"; 1 to ${limits.listMax} is allowed.`);
  if (order !== 'asc' && order !== 'desc') complain('order', `got "${order.slice(0, 40)}"; asc or desc is allowed.`);
  if (after !== undefined && !isJobId(after)) complain('after', 'this is not the id of a video.');
  if (status !== undefined && !isStatus(status))
    complain('status', `got "${status.slice(0, 40)}"; ${statuses.join(', ')} are allowed.`);
  if (problems.length > 0) throw invalidRequest(problems);
  return {
    limit,
    order: order === 'asc' ? 'asc' : 'desc',
    ...(after === undefined ? {} : { after }),
    ...(status !== undefined && isStatus(status) ? { status } : {}),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

function isStatus(text: string): text is JobStatus {
  return (statuses as readonly string[]).includes(text);
}

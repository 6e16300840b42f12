import { decideReview, listOpenReviews, listReviews, viewReview } from '#core/policy/reviews/queue.ts';
import type { Deps } from './deps.ts';
import { idOf, json } from './http.ts';
import { type ApiHandler, api } from './middleware.ts';
import { parseReviewQuery, tenantNamed } from './policy-query.ts';
import { queueOf, reviewerOf, toReview, toReviewView } from './policy-wire.ts';

const scope = 'policy:review';

/** GET /v1/policy/reviews?limit&after&state&tenant: what waits; an operator who names no tenant sees all of them. */
export function listPolicyReviews(deps: Deps): ApiHandler {
  const handle: Parameters<typeof api>[2] = async event => {
    const { tenant, ...query } = parseReviewQuery(event.queryStringParameters);
    const who = reviewerOf(event);
    const all = who.role === 'operator' && tenant === undefined && !query.all;
    const page = all ? listOpenReviews(deps, query.limit) : listReviews(deps, queueOf(who, tenant), query);
    const { records, hasMore } = await page;
    return json(200, { object: 'list', data: records.map(toReview), has_more: hasMore });
  };
  return api(deps, 'policy-reviews', handle, { scope });
}

/** GET /v1/policy/reviews/{id}: one item with its texts; the look is written down. */
export function viewPolicyReview(deps: Deps): ApiHandler {
  const handle: Parameters<typeof api>[2] = async event => {
    const who = reviewerOf(event);
    const { record, job } = await viewReview(deps, who, queueOf(who, tenantNamed(event)), idOf(event));
    return json(200, toReviewView(record, job));
  };
  return api(deps, 'policy-review', handle, { scope });
}

/** POST /v1/policy/reviews/{id}/approve and …/deny. */
export function decidePolicyReview(verdict: 'approve' | 'deny'): (deps: Deps) => ApiHandler {
  const decide =
    (deps: Deps): Parameters<typeof api>[2] =>
    async event => {
      const who = reviewerOf(event);
      return json(200, toReview(await decideReview(deps, who, queueOf(who, tenantNamed(event)), idOf(event), verdict)));
    };
  return deps => api(deps, `policy-${verdict}`, decide(deps), { scope });
}

import type { Deps } from './deps.ts';
import type { ApiHandler } from './middleware.ts';
import { appealRefusal } from './policy-appeals.ts';
import { listConsentOutputs } from './policy-consent-outputs.ts';
import { createPolicyConsent, listPolicyConsents, revokePolicyConsent } from './policy-consents.ts';
import { decidePolicyReview, listPolicyReviews, viewPolicyReview } from './policy-reviews.ts';

/** The content policy's part of routes.ts. */
export const policyRoutes: Readonly<Record<string, (deps: Deps) => ApiHandler>> = {
  'POST /v1/policy/appeals': appealRefusal,
  'GET /v1/policy/reviews': listPolicyReviews,
  'GET /v1/policy/reviews/{id}': viewPolicyReview,
  'POST /v1/policy/reviews/{id}/approve': decidePolicyReview('approve'),
  'POST /v1/policy/reviews/{id}/deny': decidePolicyReview('deny'),
  'POST /v1/policy/consents': createPolicyConsent,
  'GET /v1/policy/consents': listPolicyConsents,
  'GET /v1/policy/consents/{id}/outputs': listConsentOutputs,
  'DELETE /v1/policy/consents/{id}': revokePolicyConsent,
};

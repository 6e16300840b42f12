/**
 * What a refused requester is told: that the policy refused, which part of it, and where to object. Never which word, which distance or
 * which rule inside that part: that would be a manual for the next try.
 */
import { contentLimits } from './content-limits.ts';
import type { PolicyDecision } from './decide.ts';
import type { ReviewItem } from './review.ts';

/** A refusal of the policy; the door answers it with 403. */
export interface PolicyRefusal {
  readonly code: 'policy_denied' | 'likeness_consent_required';
  readonly message: string;
  readonly param: 'prompt' | null;
}

const TOLD: Readonly<Record<string, string>> = {
  'floor.minors': 'it may show a minor in a sexual way',
  'floor.intimate': 'it may be intimate imagery of somebody who did not agree to it',
  'floor.likeness': 'it may show a real person',
  'floor.unreadable': `it could not be checked; a prompt has up to ${contentLimits.maxTextChars} characters`,
};

/** Where a refused requester may object; a route of the API. */
export const appealRoute = 'POST /v1/policy/appeals';

/** The refusal of a decision to deny; undefined for any other. */
export function policyRefusal(decision: PolicyDecision): PolicyRefusal | undefined {
  if (decision.outcome !== 'deny') return undefined;
  if (decision.consentRequired) {
    const ways = 'name a live consent record of that person, made for this name or this picture, in "consents"';
    const message = `This request may show a real person (floor.likeness): ${ways}. Nothing was charged.`;
    return { code: 'likeness_consent_required', message, param: null };
  }
  const rule = decision.told[0] ?? 'floor.unreadable';
  const why = TOLD[rule] ?? 'a rule of your organization forbids it';
  const message = `The content policy refuses this request (${rule}): ${why}. Nothing was charged. If that is a mistake, ${appealRoute} brings it before a person.`;
  return { code: 'policy_denied', message, param: 'prompt' };
}

/** What whoever asked is told of a request that waited for a person and was not allowed. */
export function denialOf({ id, decidedBy }: Pick<ReviewItem, 'id' | 'decidedBy'>): string {
  const who = decidedBy === 'timer' ? 'Nobody looked at this request in time' : 'A reviewer denied this request';
  return `${who}. Nothing was charged. If that is a mistake, ${appealRoute} brings it before a person. This refusal is ${id}.`;
}

/**
 * The queue of what people decide.
 *
 *     waiting -> approved | denied (by a reviewer, or by the timer)
 *     denied  -> appealed -> approved | upheld | rule_at_fault
 *
 * `approved`, `upheld` and `rule_at_fault` are final; `denied` is, once the time to appeal is over. Nobody decides about what they asked
 * for, nor twice about the same item. Whoever decides has looked at it, and each look is written down. What the floor denied never becomes
 * `approved`: an appeal can only find the rule at fault, which is then mended for everybody, so no reviewer can lift the floor for one request.
 */

import { contentLimits } from './content-limits.ts';
import type { PolicyDecision } from './decide.ts';

/** Where an item stands. */
export type ReviewState = 'waiting' | 'approved' | 'denied' | 'appealed' | 'upheld' | 'rule_at_fault';

/** One request in the queue; its texts and references lie with the job and not in it. */
export interface ReviewItem {
  readonly v: 1;
  readonly id: string;
  readonly tenant: string;
  /** Who asked: a key's owner. All keys of one person have the same. */
  readonly requester: string;
  readonly verdict: 'review' | 'deny';
  readonly rules: readonly string[];
  readonly policyHash: string;
  readonly state: ReviewState;
  /** Whoever shows the item shows its references blurred. There is no other value: a clear view is the operator's own doing. */
  readonly blurred: true;
  readonly dueAtMs: number;
  readonly decidedBy: string | null;
  readonly decidedAtMs: number | null;
  readonly views: readonly { readonly by: string; readonly atMs: number }[];
}

/** Who acts. A tenant's reviewers see their tenant's items; operators all of them. */
export interface Reviewer {
  readonly person: string;
  readonly tenant: string;
  readonly role: 'reviewer' | 'operator' | 'requester';
}

/** What may be done to an item. */
export type ReviewAction = 'view' | 'approve' | 'deny' | 'appeal' | 'uphold' | 'find_at_fault';

/** Why something is not done, in a sentence. */
export interface ReviewRefusal {
  readonly code: 'forbidden' | 'not_found' | 'conflict';
  readonly message: string;
}

const HOUR_MS = 3_600_000;
const TIMER = 'timer';

/** An item of the queue from a decision to review or, when its requester objects, to deny. */
export function openReview(
  decision: PolicyDecision & { readonly outcome: 'review' | 'deny' },
  asked: Pick<ReviewItem, 'id' | 'tenant' | 'requester'>,
  nowMs: number,
): ReviewItem {
  const { outcome: verdict, rules, policyHash } = decision;
  const open = { v: 1, ...asked, blurred: true, verdict, rules, policyHash, views: [] } as const;
  if (verdict === 'review')
    return {
      ...open,
      state: 'waiting',
      dueAtMs: nowMs + contentLimits.reviewHours * HOUR_MS,
      decidedBy: null,
      decidedAtMs: null,
    };
  return { ...open, state: 'denied', dueAtMs: nowMs, decidedBy: 'policy', decidedAtMs: nowMs };
}

/** The item as its timer leaves it: nobody looked in time, so it is denied; an appeal that nobody decided is upheld. */
export function expireReview(item: ReviewItem, nowMs: number): ReviewItem {
  // Written so that a clock that says NaN denies.
  if (nowMs < item.dueAtMs) return item;
  if (item.state === 'waiting') return { ...item, state: 'denied', decidedBy: TIMER, decidedAtMs: item.dueAtMs };
  if (item.state === 'appealed') return { ...item, state: 'upheld', decidedBy: TIMER, decidedAtMs: item.dueAtMs };
  return item;
}

const refused = (code: ReviewRefusal['code'], message: string): ReviewRefusal => ({ code, message });

/** The item after an action, or why it is not done. The caller writes it on the condition that the item is still the one it read. */
export function actOnReview(
  before: ReviewItem,
  action: ReviewAction,
  who: Reviewer,
  nowMs: number,
): { readonly item: ReviewItem } | { readonly refusal: ReviewRefusal } {
  const item = expireReview(before, nowMs);
  const refusal = action === 'appeal' ? whyNoAppeal(item, who, nowMs) : whyNot(item, action, who);
  if (refusal !== undefined) return { refusal };
  if (action === 'view') {
    const views = [...item.views, { by: who.person, atMs: nowMs }].slice(-contentLimits.maxViews);
    return { item: { ...item, views } };
  }
  if (action === 'appeal')
    return { item: { ...item, state: 'appealed', dueAtMs: nowMs + contentLimits.appealReviewHours * HOUR_MS } };
  return { item: { ...item, state: stateAfter(action), decidedBy: who.person, decidedAtMs: nowMs } };
}

function stateAfter(action: Exclude<ReviewAction, 'view' | 'appeal'>): ReviewState {
  if (action === 'find_at_fault') return 'rule_at_fault';
  return action === 'approve' ? 'approved' : action === 'deny' ? 'denied' : 'upheld';
}

function whyNot(item: ReviewItem, action: Exclude<ReviewAction, 'appeal'>, who: Reviewer): ReviewRefusal | undefined {
  if (who.role !== 'operator' && who.tenant !== item.tenant) return refused('not_found', 'There is no such item.');
  if (who.role === 'requester')
    return refused('forbidden', 'A key without the scope to review sees no items of the queue.');
  if (who.person === item.requester) return refused('forbidden', 'Nobody reviews what they asked for themselves.');
  if (action === 'view') return undefined;
  const open = item.state === 'waiting' || item.state === 'appealed';
  if (!open)
    return refused('conflict', `This item is ${item.state.replaceAll('_', ' ')}; nothing more is decided about it.`);
  if (!item.views.some(view => view.by === who.person))
    return refused('conflict', 'Look at the item first: what nobody has seen is not decided.');
  const allowed = actionsOf(item);
  if (!allowed.includes(action)) return refused('conflict', `Of this item only ${allowed.join(' or ')} can be said.`);
  if (item.state === 'waiting') return undefined;
  if (item.decidedBy === who.person)
    return refused('forbidden', 'An appeal is decided by somebody else than the first decision.');
  return who.role === 'operator'
    ? undefined
    : refused('forbidden', 'An appeal is decided by an operator of the installation.');
}

function actionsOf({ state, verdict }: ReviewItem): readonly ReviewAction[] {
  if (state === 'waiting') return ['approve', 'deny'];
  return verdict === 'deny' ? ['uphold', 'find_at_fault'] : ['uphold', 'find_at_fault', 'approve'];
}

function whyNoAppeal(item: ReviewItem, who: Reviewer, nowMs: number): ReviewRefusal | undefined {
  if (who.tenant !== item.tenant) return refused('not_found', 'There is no such item.');
  if (who.person !== item.requester) return refused('forbidden', 'Only who asked for it can object to a refusal.');
  if (item.state !== 'denied')
    return refused('conflict', `This item is ${item.state.replaceAll('_', ' ')}, and cannot be appealed.`);
  const open = nowMs - (item.decidedAtMs ?? Number.NaN) <= contentLimits.appealDays * 24 * HOUR_MS;
  return open ? undefined : refused('conflict', `A refusal can be appealed for ${contentLimits.appealDays} days.`);
}

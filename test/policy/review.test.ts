import { describe, expect, test } from 'vitest';
import { contentLimits } from '#core/policy/content/content-limits.ts';
import { decide } from '#core/policy/content/decide.ts';
import {
  actOnReview,
  expireReview,
  openReview,
  type ReviewAction,
  type Reviewer,
  type ReviewItem,
} from '#core/policy/content/review.ts';
import { asking, floor, ports } from './evaluation.ts';

const HOUR = 3_600_000;
const asked = { id: 'rev_1', tenant: 'acme', requester: 'ann' };
const who = (person: string, role: Reviewer['role'] = 'reviewer', tenant = 'acme'): Reviewer => ({
  person,
  role,
  tenant,
});
const ann = who('ann', 'requester');

function opened(prompt: string): ReviewItem {
  const decision = decide(floor, asking(prompt), ports);
  if (decision.outcome === 'allow') throw new Error('nothing to review');
  return openReview({ ...decision, outcome: decision.outcome }, asked, 0);
}

function step(item: ReviewItem, ...steps: readonly [ReviewAction, Reviewer, number?][]): ReviewItem {
  return steps.reduce((now, [action, by, at = 1]) => {
    const result = actOnReview(now, action, by, at);
    if ('refusal' in result) throw new Error(result.refusal.message);
    return result.item;
  }, item);
}

const waiting = opened('photo of Martha Ellingworth');
const floorDenied = opened('a naked child');

describe('the review queue', () => {
  test('is decided by somebody who looked, and every look is written down', () => {
    expect(() => step(waiting, ['approve', who('bob')])).toThrow('Look at the item first');
    expect(() => step(waiting, ['view', who('cy')], ['approve', who('bob')])).toThrow('Look at the item first');
    const done = step(waiting, ['view', who('bob'), 3], ['approve', who('bob'), 5]);
    expect(done).toMatchObject({
      state: 'approved',
      decidedBy: 'bob',
      decidedAtMs: 5,
      views: [{ by: 'bob', atMs: 3 }],
    });
  });

  test('lets nobody review their own request, whatever their role', () => {
    for (const role of ['reviewer', 'operator'] as const)
      for (const action of ['view', 'approve', 'deny'] as const)
        expect(() => step(waiting, [action, who('ann', role)])).toThrow('Nobody reviews what they asked for');
    expect(() => step(waiting, ['view', ann])).toThrow('without the scope');
  });

  test("does not exist for another tenant's reviewers", () => {
    expect(() => step(waiting, ['view', who('eve', 'reviewer', 'globex')])).toThrow('There is no such item.');
  });

  test('denies when the timer ends, also for whoever approves a moment late', () => {
    const due = contentLimits.reviewHours * HOUR;
    const seen = step(waiting, ['view', who('bob')]);
    expect(expireReview(seen, due - 1).state).toBe('waiting');
    expect(expireReview(seen, due)).toMatchObject({ state: 'denied', decidedBy: 'timer' });
    expect(expireReview(seen, Number.NaN).state).toBe('denied');
    expect(() => step(seen, ['approve', who('bob'), due])).toThrow('This item is denied');
  });

  test('is final once decided', () => {
    const done = step(waiting, ['view', who('bob')], ['approve', who('bob')]);
    expect(() => step(done, ['view', who('cy')], ['deny', who('cy')])).toThrow('This item is approved');
  });
});

describe('an appeal', () => {
  const denied = step(waiting, ['view', who('bob')], ['deny', who('bob'), 10]);

  test('is the requester’s alone, once, and in time', () => {
    expect(() => step(denied, ['appeal', who('bob')])).toThrow('Only who asked');
    expect(() => step(denied, ['appeal', ann, 10 + contentLimits.appealDays * 24 * HOUR + 1])).toThrow('for 30 days');
    const appealed = step(denied, ['appeal', ann, 20]);
    expect(() => step(appealed, ['appeal', ann, 21])).toThrow('cannot be appealed');
    expect(expireReview(appealed, 20 + contentLimits.appealReviewHours * HOUR).state).toBe('upheld');
  });

  test('is decided by an operator who did not decide before', () => {
    const appealed = step(denied, ['appeal', ann, 20]);
    expect(() => step(appealed, ['uphold', who('bob', 'operator'), 21])).toThrow('somebody else');
    expect(() => step(appealed, ['view', who('cy'), 21], ['uphold', who('cy'), 22])).toThrow('by an operator');
    const op = who('op', 'operator', 'house');
    expect(step(appealed, ['view', op, 21], ['approve', op, 22]).state).toBe('approved');
  });

  test('never approves what the floor denied, by any order of steps', () => {
    const people = [
      ann,
      who('ann', 'operator'),
      who('bob'),
      who('cy'),
      who('op', 'operator'),
      who('oz', 'operator', 'house'),
    ];
    const actions: ReviewAction[] = ['view', 'approve', 'deny', 'appeal', 'uphold', 'find_at_fault'];
    const seen = new Map<string, ReviewItem>();
    const open = [floorDenied];
    while (open.length > 0) {
      const item = open.pop()!;
      const key = JSON.stringify({ ...item, views: [...new Set(item.views.map(view => view.by))].sort() });
      if (seen.has(key)) continue;
      seen.set(key, item);
      for (const action of actions)
        for (const by of people) {
          const result = actOnReview(item, action, by, 1);
          if ('item' in result) open.push(result.item);
        }
    }
    const states = new Set([...seen.values()].map(item => item.state));
    expect([...states].sort()).toEqual(['appealed', 'denied', 'rule_at_fault', 'upheld']);
  });
});

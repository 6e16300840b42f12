/** A refusal as the error that doors throw. */
import { ReelayError } from '../errors.ts';
import { formatDollars } from './micros.ts';
import type { BudgetShortage, Refusal } from './refusal.ts';

/**
 * The error of a refusal: same code and sentence, its `param` as the first problem, when to come again, and the sums of a budget as
 * `details.budget`, which the envelope of an answer carries in the error object.
 */
export function refusedError({ code, message, param, retryAfterMs, budget }: Refusal): ReelayError {
  return new ReelayError(code, message, {
    retryAfterMs,
    ...(param === null ? {} : { problems: [{ path: param, message }] }),
    ...(budget === undefined ? {} : { details: { budget: toBudgetShortage(budget) } }),
  });
}

/** Sums on the wire: dollars as text, null where they are the operator's own. */
export function toBudgetShortage(budget: BudgetShortage) {
  const dollars = (micros: number | null) => (micros === null ? null : formatDollars(micros));
  return {
    scope: budget.scope,
    kind: budget.kind,
    period: budget.period,
    asked_usd: dollars(budget.askedMicros),
    limit_usd: dollars(budget.limitMicros),
    spent_usd: dollars(budget.spentMicros),
    held_usd: dollars(budget.heldMicros),
    resets_at: Math.floor(budget.resetsAtMs / 1000),
  };
}

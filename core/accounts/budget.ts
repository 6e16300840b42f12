/** Budgets: how much may be spent and held in a day and in a month, of one key, one tenant and the installation. */
import { accountLimits } from './account-limits.ts';
import { formatDollars, parseDollars } from './micros.ts';
import { type PeriodKind, periodEndMs, periodOf } from './periods.ts';
import type { BudgetShortage, Refusal } from './refusal.ts';

/** Whole micro-dollars, 0 to accountLimits.maxMicros. */
export type Micros = number;

/** What may be committed in a period; null: as much as comes. 0 refuses every job that costs anything. */
export interface Budget {
  readonly day: Micros | null;
  readonly month: Micros | null;
}

/** As much as comes. */
export const noBudget: Budget = { day: null, month: null };

/** The budgets that one job has to fit into. */
export interface Budgets {
  readonly key: Budget;
  readonly tenant: Budget;
  readonly installation: Budget;
}

/** Spent: settled jobs. Held: jobs that are accepted and not over. What is committed is both. */
export interface Sums {
  readonly spent: Micros;
  readonly held: Micros;
}

/** Nothing committed. */
export const noSums: Sums = { spent: 0, held: 0 };

/** What counts against a budget. Both are at or below half of what is a safe integer. */
export function committed({ spent, held }: Sums): Micros {
  return spent + held;
}

/** The least amount that is `percent` (80 or 100) of a limit, without a product that could lose digits. */
export function alertAt(limit: Micros, percent: number): Micros {
  return limit - Math.floor(limit / 100) * (100 - percent) - Math.floor(((limit % 100) * (100 - percent)) / 100);
}

/**
 * A budget from a request or a setting: `{"day": "10.00", "month": null}` in dollars; what is left out is null. undefined, and a sentence
 * to `complain`, for anything else.
 */
export function parseBudget(value: unknown, complain: (path: string, text: string) => void): Budget | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    complain('', 'an object with "day" and "month" is needed.');
    return undefined;
  }
  const unknown = Object.keys(value).find(name => name !== 'day' && name !== 'month');
  if (unknown !== undefined) complain(unknown.slice(0, 64), 'unknown field; known fields: day, month.');
  const read = (kind: PeriodKind): Micros | null | undefined => {
    const amount = (value as Record<string, unknown>)[kind] ?? null;
    const micros = amount === null ? null : parseDollars(amount, accountLimits.maxBudgetMicros);
    const most = formatDollars(accountLimits.maxBudgetMicros);
    if (micros === undefined)
      complain(kind, `dollars from 0 to ${most} with at most six decimals, or null for no limit, are allowed.`);
    return micros;
  };
  const [day, month] = [read('day'), read('month')];
  return day === undefined || month === undefined || unknown !== undefined ? undefined : { day, month };
}

/** The refusal of a job that does not fit: with the sums where the budget is the client's own. */
export function budgetExceeded(
  scope: BudgetShortage['scope'],
  kind: PeriodKind,
  day: string,
  askedMicros: Micros,
  { limit, sums }: { readonly limit: Micros; readonly sums: Sums },
): Refusal {
  const period = periodOf(kind, day);
  const resetsAtMs = periodEndMs(period);
  const own = scope !== 'installation';
  const money = formatDollars;
  const told = own
    ? `${money(limit)} USD; ${money(sums.spent)} are spent and ${money(sums.held)} held for jobs under way`
    : `used up`;
  const verb = own ? 'allows' : 'is';
  const message =
    `The ${scope}'s budget for the ${kind} ${period} (UTC) ${verb} ${told}; ` +
    `this job needs ${money(askedMicros)}, so nothing was accepted. It starts again at ${new Date(resetsAtMs).toISOString()}.`;
  const shown = own ? { limitMicros: limit, spentMicros: sums.spent, heldMicros: sums.held } : hidden;
  return {
    code: 'budget_exceeded',
    message,
    param: null,
    retryAfterMs: null,
    budget: { scope, kind, period, askedMicros, ...shown, resetsAtMs },
  };
}

const hidden = { limitMicros: null, spentMicros: null, heldMicros: null } as const;

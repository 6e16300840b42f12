/**
 * A refusal is data: what is refused, in a code and a sentence for whoever asked. Doors turn it into their error; nothing was written when
 * one comes back, so a refused request costs nothing.
 */
import type { Micros } from './budget.ts';
import type { PeriodKind } from './periods.ts';

/** Why: 401, 403, 402, 402, 422, 400, 429 in the order of the names. */
export type RefusalCode =
  | 'unauthorized'
  | 'forbidden'
  | 'budget_exceeded'
  | 'max_cost_exceeded'
  | 'tenant_limit'
  | 'unsupported_operation'
  | 'rate_limited';

/** One refusal. */
export interface Refusal {
  readonly code: RefusalCode;
  /** For the client; names no other tenant's sums. */
  readonly message: string;
  /** The field of the request it is about; null where it is about none. */
  readonly param: string | null;
  /** When it may be worth trying again; null: not by itself. */
  readonly retryAfterMs: number | null;
  /** The sums of a budget, for the client's own budgets; of the installation's only what it is. */
  readonly budget?: BudgetShortage;
}

/** A budget that a job does not fit into. */
export interface BudgetShortage {
  readonly scope: 'key' | 'tenant' | 'installation';
  readonly kind: PeriodKind;
  readonly period: string;
  readonly askedMicros: Micros;
  /** null in the installation's: its sums are the operator's. */
  readonly limitMicros: Micros | null;
  readonly spentMicros: Micros | null;
  readonly heldMicros: Micros | null;
  readonly resetsAtMs: number;
}

/** A refusal that is about a field of the request or, with null, about none, and that no waiting helps. */
export function refusal(code: RefusalCode, message: string, param: string | null = null): Refusal {
  return { code, message, param, retryAfterMs: null };
}

/** @file Which order a multistep solver steps with: low at the start, where it knows little, and at the end of a short run. */

/** Where a run stands. */
export interface SolverPlace {
  readonly index: number;
  readonly steps: number;
  /** Of the config. */
  readonly solverOrder: number;
  /** Earlier outputs at hand. */
  readonly known: number;
  /** Whether the last step is of first order. */
  readonly finalFirst: boolean;
  /** Whether the last step but one is of second order at most. */
  readonly finalSecond: boolean;
}

/** Runs shorter than this end with low orders where lower_order_final is set. */
export const SHORT_RUN = 15;

/** 1, 2 or 3. */
export function orderOfStep({ index, steps, solverOrder, known, finalFirst, finalSecond }: SolverPlace): number {
  if (solverOrder === 1 || known < 1 || (finalFirst && index === steps - 1)) return 1;
  if (solverOrder === 2 || known < 2 || (finalSecond && index === steps - 2)) return 2;
  return 3;
}

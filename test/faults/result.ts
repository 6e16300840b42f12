/** What a run found, as JSON and as a row of a table. */

export interface Goal {
  readonly what: string;
  /** `<= 15 %`, `0` */
  readonly goal: string;
  readonly got: string;
  readonly met: boolean;
  /** A time that only a machine with nothing else to do can be held to; `npm test` does not judge it. */
  readonly alone?: true;
}

export interface Result {
  readonly id: string;
  /** What was done, with its counts. */
  readonly title: string;
  readonly goals: readonly Goal[];
  /** What is told beside the goals. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** A count, or a list of names, of what must not be. */
export function none(what: string, found: number | readonly unknown[]): Goal {
  const count = typeof found === 'number' ? found : found.length;
  const first = typeof found === 'number' || count === 0 ? '' : ` (${found.slice(0, 3).join(', ')})`;
  return { what, goal: '0', got: `${count}${first}`, met: count === 0 };
}

/** A number with a ceiling, rounded to two digits after the point. */
export function atMost(what: string, got: number, ceiling: number, unit: string): Goal {
  return { what, goal: `<= ${ceiling} ${unit}`, got: `${round(got)} ${unit}`, met: got <= ceiling };
}

/** The same for a time. */
export function within(what: string, got: number, ceiling: number, unit: string): Goal {
  return { ...atMost(what, got, ceiling, unit), alone: true };
}

/** All of them. */
export function all(what: string, got: number, of: number): Goal {
  return { what, goal: `${of} of ${of}`, got: `${got} of ${of}`, met: got === of };
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The value that `share` of the values do not exceed; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function isMet({ goals }: Result): boolean {
  return goals.every(goal => goal.met);
}

/** One row: id, what was done, the goals with what was got, whether all are met, seconds. */
export function toRow(result: Result, seconds: number): string {
  const goals = result.goals.map(({ what, goal, got }) => `${what} ${got} (${goal})`).join('; ');
  return `| ${result.id} | ${result.title} | ${goals} | ${isMet(result) ? 'met' : 'MISSED'} | ${Math.round(seconds)} s |`;
}

/** The periods of budgets, in UTC: a day is "2026-11-21", a month "2026-11". A job belongs to the day on which it was accepted. */

/** What a budget is counted by. */
export const periodKinds = ['day', 'month'] as const;
/** One of them. */
export type PeriodKind = (typeof periodKinds)[number];

/** The UTC day of a moment. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The period of a kind that a day lies in. */
export function periodOf(kind: PeriodKind, day: string): string {
  return kind === 'day' ? day : day.slice(0, 7);
}

/** The first moment after a period. */
export function periodEndMs(period: string): number {
  const [year = 0, month = 1, day] = period.split('-').map(Number);
  return day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1);
}

/** Whether a text is a day that the calendar has. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && dayOf(ms) === text;
}

/** Days from the first to the last, both of them included. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = first; day <= last; day = dayOf(periodEndMs(day))) days.push(day);
  return days;
}

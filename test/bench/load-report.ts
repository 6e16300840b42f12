import type { Outcome } from './load-client.ts';
import type { Sample, StreamResult } from './load-phase.ts';

/** One stream of one phase in numbers. */
export interface Figures {
  readonly stream: string;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  /** p99 of the requests that were served, for phases that also refuse. */
  readonly servedP99Ms: number;
  readonly answers: Readonly<Record<string, number>>;
}

/** The q-th quantile of some values; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** Sums up the samples of a stream that were due in a stretch of the phase. */
export function figuresOf({ name, samples }: StreamResult, fromMs = 0, untilMs = Number.POSITIVE_INFINITY): Figures {
  const within = samples.filter(sample => sample.atMs >= fromMs && sample.atMs < untilMs);
  const latencies = within.map(sample => sample.latencyMs);
  const answers: Record<string, number> = {};
  for (const { outcome } of within) answers[outcome] = (answers[outcome] ?? 0) + 1;
  return {
    stream: name,
    requests: within.length,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    mostMs: quantile(latencies, 1),
    servedP99Ms: quantile(
      within.filter(({ outcome }) => outcome === 200).map(sample => sample.latencyMs),
      0.99,
    ),
    answers,
  };
}

/** Long enough for a p99 that means something at 2,000/s, short against the 5 s that recovery may take. */
const WINDOW_MS = 1_000;
const STEP_MS = 100;

/**
 * Seconds from the end of an overload until a stream is back: the first moment from which the requests due within a second are all
 * served with a p99 under the goal. Infinity: not within these samples.
 */
export function recoverySeconds(samples: readonly Sample[], endMs: number, goalMs: number): number {
  const lastMs = samples.reduce((most, sample) => Math.max(most, sample.atMs), 0);
  const after = samples.filter(sample => sample.atMs >= endMs);
  for (let fromMs = endMs; fromMs + WINDOW_MS <= lastMs; fromMs += STEP_MS) {
    const window = after.filter(sample => sample.atMs >= fromMs && sample.atMs < fromMs + WINDOW_MS);
    const served = window.length > 0 && window.every(sample => sample.outcome === 200);
    if (
      served &&
      quantile(
        window.map(sample => sample.latencyMs),
        0.99,
      ) <= goalMs
    )
      return (fromMs - endMs) / 1000;
  }
  return Number.POSITIVE_INFINITY;
}

/** Whether an outcome may happen under overload: served, or told to come again. */
export function isServedOrRefused(outcome: Outcome): boolean {
  return outcome === 200 || outcome === 429;
}

/** One line for people. */
export function describeFigures(phase: string, figures: Figures): string {
  const ms = (value: number) => value.toFixed(1).padStart(7);
  const answers = Object.entries(figures.answers)
    .map(([outcome, count]) => `${outcome}: ${count}`)
    .join(', ');
  return `${phase.padEnd(10)} ${figures.stream.padEnd(7)} p50 ${ms(figures.p50Ms)} p99 ${ms(figures.p99Ms)} served p99 ${ms(figures.servedP99Ms)} most ${ms(figures.mostMs)} ms   ${answers}`;
}

import { setTimeout as sleep } from 'node:timers/promises';

/** Time as the worker sees it: one thing to hand over, so that a simulation can hand over its own. */
export interface Clock {
  /** Wall clock, milliseconds. */
  readonly now: () => number;
  /** A clock that never jumps; its zero means nothing. */
  readonly monotonicMs: () => number;
  /** Resolves after so long, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Calls again and again until the returned function is called. */
  readonly every: (ms: number, act: () => void) => () => void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
  every: (ms, act) => {
    const timer = setInterval(act, ms);
    return () => clearInterval(timer);
  },
};

/** When the drop watcher looks, waits, tries again and speaks. */
import { dropLimits } from '#core/drop/drop-limits.ts';
import { placeOf, ReelayError } from '#core/errors.ts';

/** One structured line; the same shape as everywhere. */
export type DropLog = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;

/** Something to wait at that events can end. */
export interface Bell {
  readonly ring: () => void;
  /** Ends after `ms`, or `gapMs` after a ring; at once with 0. */
  wait(ms: number, gapMs: number): Promise<void>;
}

/** A bell that also ends with the signal. */
export function createBell(signal: AbortSignal): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(ms, gapMs) {
      if (ms === 0) return;
      if (!rung)
        await pause(ms, signal, end => {
          wake = end;
        });
      wake = undefined;
      // Events come in swarms: one scan answers them all.
      await pause(gapMs, signal);
      rung = false;
    },
  };
}

/** Ends after `ms`, with the signal, or when what `onStart` is given is called. */
export function pause(ms: number, signal: AbortSignal, onStart?: (end: () => void) => void): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : ms);
    signal.addEventListener('abort', end);
    onStart?.(end);
  });
}

/** When a drop that could not be taken in is tried again. */
export interface Backoff {
  isDue(identity: string): boolean;
  clear(identity: string): void;
  /** After a second, doubled each time. */
  later(identity: string): void;
}

/** Remembers the drops that wait. */
export function createBackoff(): Backoff {
  const waits = new Map<string, { tries: number; dueMs: number }>();
  return {
    isDue: identity => (waits.get(identity)?.dueMs ?? 0) <= performance.now(),
    clear: identity => void waits.delete(identity),
    later(identity) {
      if (waits.size > dropLimits.entriesPerScan) waits.clear(); // drops that someone took away are never cleared
      const tries = (waits.get(identity)?.tries ?? 0) + 1;
      const ms = Math.min(dropLimits.retryMostMs, 1_000 * 2 ** Math.min(tries - 1, 10));
      waits.set(identity, { tries, dueMs: performance.now() + ms });
    },
  };
}

/** What the log is told. Names of files are private and stay out. */
export interface Say {
  trouble(message: string, error: unknown, identity?: string): void;
  done(identity: string, outcome: string, jobIds: readonly string[]): void;
}

/** A trouble is said once until a drop is taken in again: a full disk must not fill the log too. */
export function sayOnce(log: DropLog): Say {
  const said = new Set<string>();
  return {
    trouble(message, error, identity) {
      const code = error instanceof ReelayError ? error.code : 'internal';
      if (said.has(`${message} ${code}`)) return;
      said.add(`${message} ${code}`);
      const cause = error instanceof Error && error.cause !== undefined ? placeOf(error.cause) : undefined;
      log('error', message, { ...about(identity), code, at: placeOf(error), cause });
    },
    done(identity, outcome, jobIds) {
      said.clear();
      log('info', 'drop', { ...about(identity), outcome, jobs: jobIds.length, jobId: jobIds[0] });
    },
  };
}

function about(identity: string | undefined) {
  return identity === undefined ? {} : { drop: identity.slice(0, 16) };
}

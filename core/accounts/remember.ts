/** A cache with a bounded staleness, as data and pure functions: what was read may be used for so long, then it is read again. */

/** What was read, and when. */
export interface Remembered<T> {
  readonly value: T;
  readonly readAtMs: number;
}

/** Whether what was read may still be used. A clock that went back makes everything stale: it must never make anything last longer. */
export function isFresh(read: Remembered<unknown>, nowMs: number, staleMs: number): boolean {
  const ageMs = nowMs - read.readAtMs;
  return ageMs >= 0 && ageMs < staleMs;
}

/** A store of remembered values with at most `most` of them; the one written longest ago makes room. */
export interface Memory<T> {
  readonly get: (name: string, nowMs: number) => T | undefined;
  /** `readAtMs`: from before the read began, so that what changed during it is not taken for newer than it is. */
  readonly set: (name: string, value: T, readAtMs: number) => void;
  readonly forget: (name: string) => void;
}

/** An empty one. */
export function createMemory<T>(staleMs: number, most: number): Memory<T> {
  const kept = new Map<string, Remembered<T>>();
  return {
    get: (name, nowMs) => {
      const read = kept.get(name);
      return read !== undefined && isFresh(read, nowMs, staleMs) ? read.value : undefined;
    },
    set: (name, value, readAtMs) => {
      kept.delete(name);
      kept.set(name, { value, readAtMs });
      for (const oldest of kept.keys()) {
        if (kept.size <= most) break;
        kept.delete(oldest);
      }
    },
    forget: name => void kept.delete(name),
  };
}

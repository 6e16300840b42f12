/**
 * Time that moves only when nobody has anything left to do: the next timer fires once every promise that the last one settled has run
 * its course. Timers of one instant fire in the order in which they were set.
 */

/** What an adapter needs of time; the simulation's or, in the contract tests, the machine's. */
export interface Timers {
  nowMs(): number;
  /** Calls `act` after so long; the function that comes back prevents it. */
  after(ms: number, act: () => void): () => void;
}

/** Timers that a run drives. */
export interface VirtualTime extends Timers {
  /** Fires timers as long as `goesOn` says so and there are any. Rejects with what a timer throws. */
  run(goesOn: () => boolean): Promise<void>;
  /** Timers fired so far. */
  fired(): number;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  act: (() => void) | undefined;
}

/**
 * Node's own "run all microtasks and next ticks now", which it calls between two macrotasks. Not documented, so its absence is no
 * error: a macrotask in between does the same, more slowly.
 */
const drainNow = (process as { _tickCallback?: () => void })._tickCallback;

/** Starts at 0. */
export function createVirtualTime(): VirtualTime {
  const heap: Entry[] = [];
  let [now, order, fired] = [0, 0, 0];

  const step = (): boolean => {
    const entry = pop(heap);
    if (entry === undefined) return false;
    if (entry.act === undefined) return true;
    now = entry.atMs;
    fired++;
    entry.act();
    return true;
  };

  return {
    nowMs: () => now,
    fired: () => fired,
    after: (ms, act) => {
      const entry: Entry = { atMs: now + Math.max(0, ms), order: order++, act };
      push(heap, entry);
      return () => {
        entry.act = undefined;
      };
    },
    run: goesOn =>
      new Promise((resolve, reject) => {
        // From a macrotask of its own: inside a microtask there is no draining the others.
        const turn = () => {
          try {
            for (;;) {
              if (!goesOn() || !step()) return resolve();
              if (drainNow === undefined) return void setImmediate(turn);
              drainNow();
            }
          } catch (error) {
            reject(error);
          }
        };
        setImmediate(turn);
      }),
  };
}

/** The machine's own time, for the contract tests. */
export const realTimers: Timers = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}

/** What happens in a simulated fleet. Numbers, because millions of them are compared. */
export const eventKind = { arrival: 0, ready: 1, finish: 2, preempt: 3, outage: 4, tick: 5 } as const;

/** A binary heap of events by time, then by insertion: `kind` and `subject` are small integers. */
export interface EventHeap {
  size: number;
  inserted: number;
  times: Float64Array;
  orders: Float64Array;
  kinds: Int32Array;
  subjects: Int32Array;
}

/** One event, overwritten by each `popEvent`: nothing is allocated in the loop. */
export interface PoppedEvent {
  time: number;
  kind: number;
  subject: number;
}

/** A heap without events; it grows as needed. */
export function createEventHeap(capacity = 256): EventHeap {
  return {
    size: 0,
    inserted: 0,
    times: new Float64Array(capacity),
    orders: new Float64Array(capacity),
    kinds: new Int32Array(capacity),
    subjects: new Int32Array(capacity),
  };
}

function grow(heap: EventHeap): void {
  const capacity = 2 * heap.times.length;
  const wider = createEventHeap(capacity);
  wider.times.set(heap.times);
  wider.orders.set(heap.orders);
  wider.kinds.set(heap.kinds);
  wider.subjects.set(heap.subjects);
  heap.times = wider.times;
  heap.orders = wider.orders;
  heap.kinds = wider.kinds;
  heap.subjects = wider.subjects;
}

function move(heap: EventHeap, from: number, to: number): void {
  heap.times[to] = heap.times[from]!;
  heap.orders[to] = heap.orders[from]!;
  heap.kinds[to] = heap.kinds[from]!;
  heap.subjects[to] = heap.subjects[from]!;
}

function write(heap: EventHeap, at: number, time: number, order: number, kind: number, subject: number): void {
  heap.times[at] = time;
  heap.orders[at] = order;
  heap.kinds[at] = kind;
  heap.subjects[at] = subject;
}

/** Adds an event. */
export function pushEvent(heap: EventHeap, time: number, kind: number, subject: number): void {
  if (heap.size === heap.times.length) grow(heap);
  const order = heap.inserted++;
  let at = heap.size++;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap.times[parent]! <= time) break; // an equal parent was inserted before
    move(heap, parent, at);
    at = parent;
  }
  write(heap, at, time, order, kind, subject);
}

/** Takes the earliest event into `into`; false when there is none. */
export function popEvent(heap: EventHeap, into: PoppedEvent): boolean {
  if (heap.size === 0) return false;
  into.time = heap.times[0]!;
  into.kind = heap.kinds[0]!;
  into.subject = heap.subjects[0]!;
  const last = --heap.size;
  const { times, orders } = heap;
  const time = times[last]!;
  const order = orders[last]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= last) break;
    const right = child + 1;
    const rightFirst =
      times[right]! < times[child]! || (times[right]! === times[child]! && orders[right]! < orders[child]!);
    if (right < last && rightFirst) child = right;
    if (time < times[child]! || (time === times[child]! && order < orders[child]!)) break;
    move(heap, child, at);
    at = child;
  }
  write(heap, at, time, order, heap.kinds[last]!, heap.subjects[last]!);
  return true;
}

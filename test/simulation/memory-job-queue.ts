/**
 * A message is hidden (delayed), ready, or leased:
 *
 *     sent -> hidden -> ready -> leased -> gone (ack)
 *     leased -> hidden -> ready      release, or the lease ran out; under a new receipt from then on
 *     ready -> the dead letter queue  received too often, as SQS does it: at the receive that would be one too many
 */
import { ReelayError } from '#core/errors.ts';
import type { Delivery, JobQueue, QueueMessage, StopSignal } from '#core/ports.ts';
import type { Timers } from './virtual-time.ts';

/** What the queue does beside its promises. */
export interface MemoryJobQueueOptions {
  readonly timers: Timers;
  /** Tells its receipts from those of other queues. */
  readonly name?: string;
  /** The delays in ms of the copies that one send becomes: none for a message that is lost. */
  readonly copies?: (message: QueueMessage) => readonly number[];
  /** Which of so many ready messages goes first. */
  readonly choose?: (ready: number) => number;
  readonly maxReceives?: number;
  readonly deadLetters?: JobQueue;
  /** Who receives, by name, for `showAgain`. */
  readonly receiver?: () => string;
}

/** A JobQueue that can be looked into. */
export interface MemoryJobQueue extends JobQueue {
  /** Messages of any state. */
  size(): number;
  /** All messages, taking none. */
  messages(): readonly QueueMessage[];
  /** Who holds messages. */
  receivers(): ReadonlySet<string>;
  /** Shows again what this receiver holds, as the recovery of a data folder does. */
  showAgain(receiver: string): void;
  /** How many were moved to the dead letter queue. */
  moved(): number;
}

interface Message {
  readonly body: QueueMessage;
  receiveCount: number;
  receipt: string;
  receiver: string;
  receivedMs: number;
  /** Takes back what would happen to it next. */
  cancel: () => void;
}

/** SQS holds a message for so long after it was received, however often it is extended. */
const MOST_HELD_MS = 12 * 3_600_000;

/** The JobQueue port in memory. Every call but a waiting receive has its whole effect before it returns its promise. */
export function createMemoryJobQueue(options: MemoryJobQueueOptions): MemoryJobQueue {
  const { timers, copies = () => [0] } = options;
  const shelf = createShelf(options);
  const { all, byReceipt, ready, waiting, hide, holdFor, remove, take } = shelf;
  const held = ({ receipt }: Delivery): Message => {
    const message = byReceipt.get(receipt);
    if (message !== undefined) return message;
    throw new ReelayError('lease_lost', 'The message is no longer held.');
  };
  return {
    async send(body, { delaySeconds = 0 } = {}) {
      for (const moreMs of copies(body)) {
        const message = newMessage(body);
        all.add(message);
        hide(message, delaySeconds * 1000 + moreMs);
      }
    },
    receive: ({ leaseSeconds, waitMs, signal }) => {
      const receiver = options.receiver?.() ?? '';
      return receive(timers, waiting, () => take(leaseSeconds, receiver), waitMs, signal);
    },
    async extend(delivery, seconds) {
      const message = held(delivery);
      if (timers.nowMs() + seconds * 1000 > message.receivedMs + MOST_HELD_MS)
        throw new ReelayError('lease_lost', 'The message was held for twelve hours.');
      holdFor(message, seconds * 1000);
    },
    release: async (delivery, delaySeconds) => hide(held(delivery), delaySeconds * 1000),
    ack: async delivery => remove(held(delivery)),
    depth: async () => all.size - byReceipt.size,
    peek: async limit => ready.slice(0, limit).map(message => message.body),
    size: () => all.size,
    messages: () => [...all].map(message => message.body),
    receivers: () => new Set([...byReceipt.values()].map(message => message.receiver)),
    showAgain: receiver => {
      for (const message of [...byReceipt.values()]) if (message.receiver === receiver) hide(message, 0);
    },
    moved: shelf.moved,
  };
}

/** The messages and what becomes of them by itself. */
function createShelf(options: MemoryJobQueueOptions) {
  const { timers, choose = () => 0, maxReceives = Number.POSITIVE_INFINITY } = options;
  const all = new Set<Message>();
  /** Those that are leased. */
  const byReceipt = new Map<string, Message>();
  const ready: Message[] = [];
  const waiting: (() => boolean)[] = [];
  let [receipts, moved] = [0, 0];

  const show = (message: Message) => {
    ready.push(message);
    // The first who waits and can still take it gets it.
    while (ready.length > 0 && waiting.length > 0 && !waiting.shift()!());
  };
  const hide = (message: Message, ms: number) => {
    message.cancel();
    byReceipt.delete(message.receipt);
    if (ms <= 0) show(message);
    else message.cancel = timers.after(ms, () => show(message));
  };
  const holdFor = (message: Message, ms: number) => {
    message.cancel();
    message.cancel = timers.after(ms, () => hide(message, 0));
  };
  const remove = (message: Message) => {
    message.cancel();
    byReceipt.delete(message.receipt);
    all.delete(message);
  };
  const take = (leaseSeconds: number, receiver: string): Delivery | undefined => {
    while (ready.length > 0) {
      const [message] = ready.splice(choose(ready.length), 1) as [Message];
      const receiveCount = ++message.receiveCount;
      if (receiveCount > maxReceives) {
        remove(message);
        moved++;
        void options.deadLetters?.send(message.body);
        continue;
      }
      const receipt = `${options.name ?? 'receipt'}-${++receipts}`;
      Object.assign(message, { receipt, receiver, receivedMs: timers.nowMs() });
      byReceipt.set(receipt, message);
      holdFor(message, leaseSeconds * 1000);
      return { message: message.body, receipt, receiveCount };
    }
    return undefined;
  };
  return { all, byReceipt, ready, waiting, hide, holdFor, remove, take, moved: () => moved };
}

function newMessage(body: QueueMessage): Message {
  return { body, receiveCount: 0, receipt: '', receiver: '', receivedMs: 0, cancel: () => undefined };
}

/** Takes one now, or as soon as there is one, until the wait or the caller's patience is over. */
function receive(
  timers: Timers,
  waiting: (() => boolean)[],
  take: () => Delivery | undefined,
  waitMs: number,
  signal: StopSignal | undefined,
): Promise<Delivery | undefined> {
  if (signal?.aborted === true) return Promise.resolve(undefined);
  const now = take();
  if (now !== undefined || waitMs <= 0) return Promise.resolve(now);
  return new Promise(resolve => {
    const end = (delivery: Delivery | undefined) => {
      const at = waiting.indexOf(offer);
      if (at >= 0) waiting.splice(at, 1);
      cancel();
      signal?.removeEventListener('abort', stop);
      resolve(delivery);
    };
    const offer = () => {
      const delivery = take();
      if (delivery !== undefined) end(delivery);
      return delivery !== undefined;
    };
    const stop = () => end(undefined);
    const cancel = timers.after(waitMs, stop);
    waiting.push(offer);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

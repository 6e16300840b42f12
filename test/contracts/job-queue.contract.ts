import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import type { Delivery, JobQueue } from '#core/ports.ts';

export interface OpenQueue {
  readonly queue: JobQueue;
  close(): Promise<void>;
}

/** What every JobQueue keeps. `open` gives an empty queue; SQS counts in whole seconds, so the shortest lease here is one. */
export function jobQueueContract(name: string, open: () => Promise<OpenQueue>): void {
  const promise = (title: string, keep: (queue: JobQueue) => Promise<void>) =>
    test(title, { timeout: 15_000 }, async () => {
      const { queue, close } = await open();
      try {
        await keep(queue);
      } finally {
        await close();
      }
    });

  describe.concurrent(`${name} as a JobQueue`, () => {
    deliveryPromises(promise);
    waitPromises(promise);
    leasePromises(promise);
    receiptPromises(promise);
    peekPromises(promise);
  });
}

type Promised = (title: string, keep: (queue: JobQueue) => Promise<void>) => void;

function deliveryPromises(promise: Promised): void {
  promise('a message sent is received with its job id, as a first delivery', async queue => {
    await send(queue, 'video_a');
    const delivery = await receive(queue);
    expect(delivery.message).toEqual({ v: 1, jobId: 'video_a' });
    expect(delivery.receiveCount).toBe(1);
    expect(delivery.receipt).not.toBe('');
  });

  promise('an empty queue gives undefined after the wait', async queue => {
    const before = performance.now();
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 1000 })).toBeUndefined();
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  promise('an empty queue gives undefined at once without a wait', async queue => {
    const before = performance.now();
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(900);
  });

  promise('a waiting receive gets a message as soon as it is sent', async queue => {
    const before = performance.now();
    const waiting = queue.receive({ leaseSeconds: 30, waitMs: 10_000 });
    await sleep(100);
    await send(queue, 'video_a');
    expect((await waiting)?.message.jobId).toBe('video_a');
    expect(performance.now() - before).toBeLessThan(3000);
  });
}

function waitPromises(promise: Promised): void {
  promise('an abort ends the wait with undefined, and the queue works on', async queue => {
    const stop = new AbortController();
    const before = performance.now();
    const waiting = queue.receive({ leaseSeconds: 1, waitMs: 10_000, signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    expect(await waiting).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(3000);
    await send(queue, 'video_a');
    expect((await receive(queue)).message.jobId).toBe('video_a');
  });

  promise('an aborted signal takes no message', async queue => {
    await send(queue, 'video_a');
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 1000, signal: AbortSignal.abort() })).toBeUndefined();
    expect((await receive(queue)).receiveCount).toBe(1);
  });

  promise('of messages sent, each reaches exactly one of many receivers', async queue => {
    const ids = Array.from({ length: 30 }, (_, n) => `video_${n}`);
    await Promise.all(ids.map(id => send(queue, id)));
    const got: string[] = [];
    const drain = async () => {
      for (;;) {
        const delivery = await queue.receive({ leaseSeconds: 30, waitMs: 0 });
        if (delivery === undefined) return;
        got.push(delivery.message.jobId);
        await queue.ack(delivery);
      }
    };
    await Promise.all([drain(), drain(), drain(), drain(), drain()]);
    expect(got.sort()).toEqual(ids.sort());
  });

  promise('a delayed message stays hidden until its time', async queue => {
    const before = performance.now();
    await queue.send({ v: 1, jobId: 'video_late' }, { delaySeconds: 1 });
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    const delivery = await receive(queue);
    expect(delivery.message.jobId).toBe('video_late');
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  promise('the depth counts what waits or is delayed and not what is leased', async queue => {
    expect(await queue.depth()).toBe(0);
    await send(queue, 'video_a');
    await send(queue, 'video_b');
    await queue.send({ v: 1, jobId: 'video_late' }, { delaySeconds: 60 });
    expect(await queue.depth()).toBe(3);
    const delivery = await receive(queue);
    expect(await queue.depth()).toBe(2);
    await queue.ack(delivery);
    expect(await queue.depth()).toBe(2);
  });
}

function leasePromises(promise: Promised): void {
  promise('a leased message is hidden from others', async queue => {
    await send(queue, 'video_a');
    await receive(queue);
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
  });

  promise(
    'a message neither extended nor acked shows again by itself, counted and under a new receipt',
    async queue => {
      await send(queue, 'video_a');
      const first = await receive(queue, 1);
      const second = await receive(queue);
      expect(second.message).toEqual(first.message);
      expect(second.receiveCount).toBeGreaterThan(1);
      expect(second.receipt).not.toBe(first.receipt);
    },
  );

  promise('an extended message stays hidden beyond its first lease', async queue => {
    await send(queue, 'video_a');
    const delivery = await receive(queue, 2);
    await queue.extend(delivery, 30);
    await sleep(2100);
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    await queue.ack(delivery);
  });

  promise('an extension counts from now, so it can also shorten the lease', async queue => {
    await send(queue, 'video_a');
    await queue.extend(await receive(queue, 60), 1);
    expect((await receive(queue)).receiveCount).toBeGreaterThan(1);
  });

  promise('a released message shows at once', async queue => {
    await send(queue, 'video_a');
    const first = await receive(queue);
    await queue.release(first, 0);
    const second = await queue.receive({ leaseSeconds: 30, waitMs: 1000 });
    expect(second?.message).toEqual(first.message);
  });

  promise('a message released with a delay stays hidden until its time', async queue => {
    await send(queue, 'video_a');
    const before = performance.now();
    await queue.release(await receive(queue, 60), 1);
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
    await receive(queue);
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  promise('an acked message never shows again', async queue => {
    await send(queue, 'video_a');
    await queue.ack(await receive(queue, 1));
    expect(await queue.receive({ leaseSeconds: 30, waitMs: 1500 })).toBeUndefined();
    expect(await queue.depth()).toBe(0);
  });
}

function receiptPromises(promise: Promised): void {
  const stale = {
    extend: (queue: JobQueue, delivery: Delivery) => queue.extend(delivery, 1),
    'release of': (queue: JobQueue, delivery: Delivery) => queue.release(delivery, 0),
  };
  for (const [verb, act] of Object.entries(stale))
    promise(`${verb} a stale receipt is lease_lost and does not disturb the new holder`, async queue => {
      await send(queue, 'video_a');
      const old = await receive(queue, 1);
      const current = await receive(queue, 60);
      await lostOrIgnored(act(queue, old));
      expect(await queue.receive({ leaseSeconds: 30, waitMs: 1200 })).toBeUndefined();
      await queue.extend(current, 60);
      await queue.ack(current);
    });

  // Not that the message survives the ack: SQS may take an old receipt for good. The new holder's calls must not break.
  promise('ack of a stale receipt lets the new holder finish', async queue => {
    await send(queue, 'video_a');
    const old = await receive(queue, 1);
    const current = await receive(queue, 60);
    await lostOrIgnored(queue.ack(old));
    await queue.ack(current);
    expect(await queue.depth()).toBe(0);
  });

  promise('a released receipt is stale', async queue => {
    await send(queue, 'video_a');
    const old = await receive(queue);
    await queue.release(old, 0);
    await lostOrIgnored(queue.extend(old, 60));
    expect((await receive(queue)).message.jobId).toBe('video_a');
  });

  promise('a receipt that never was disturbs nothing', async queue => {
    await send(queue, 'video_a');
    const made: Delivery = { message: { v: 1, jobId: 'video_a' }, receipt: 'made-up', receiveCount: 1 };
    await lostOrIgnored(queue.extend(made, 60));
    await lostOrIgnored(queue.release(made, 60));
    await lostOrIgnored(queue.ack(made));
    expect((await receive(queue)).message.jobId).toBe('video_a');
  });
}

function peekPromises(promise: Promised): void {
  promise('a reason travels with its message', async queue => {
    await queue.send({ v: 1, jobId: 'video_a', reason: 'render_failed' });
    const message = { v: 1, jobId: 'video_a', reason: 'render_failed' };
    expect(await queue.peek(1)).toEqual([message]);
    expect((await receive(queue)).message).toEqual(message);
  });

  promise('a peek shows what waits, each message once and up to the limit, and takes nothing', async queue => {
    expect(await queue.peek(10)).toEqual([]);
    const ids = Array.from({ length: 25 }, (_, n) => `video_${n}`);
    for (const id of ids) await send(queue, id);
    const peeked = async (limit: number) => (await queue.peek(limit)).map(message => message.jobId);
    expect((await peeked(100)).sort()).toEqual([...ids].sort());
    const some = await peeked(12);
    expect(new Set(some).size).toBe(12);
    expect(await queue.peek(0)).toEqual([]);
    const got: string[] = [];
    for (let n = 0; n < 25; n++) {
      const delivery = await receive(queue);
      got.push(delivery.message.jobId);
      await queue.ack(delivery);
    }
    expect(got.sort()).toEqual([...ids].sort());
  });

  promise('a peek leaves out what is leased or delayed, and does not disturb the holder', async queue => {
    await send(queue, 'video_leased');
    const held = await receive(queue);
    await queue.send({ v: 1, jobId: 'video_late' }, { delaySeconds: 60 });
    await send(queue, 'video_a');
    expect(await queue.peek(10)).toEqual([{ v: 1, jobId: 'video_a' }]);
    await queue.extend(held, 30);
    await queue.ack(held);
  });
}

/** `lease_lost` if the adapter can tell, silence if it cannot; nothing else. */
async function lostOrIgnored(done: Promise<void>): Promise<void> {
  const error = await done.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return;
  expect(error).toBeInstanceOf(ReelayError);
  expect((error as ReelayError).code).toBe('lease_lost');
}

async function send(queue: JobQueue, jobId: string): Promise<void> {
  await queue.send({ v: 1, jobId });
}

/** The next message, which the test knows to come: it waits far longer than needed, so that a slow machine does not fail it. */
async function receive(queue: JobQueue, leaseSeconds = 30): Promise<Delivery> {
  const delivery = await queue.receive({ leaseSeconds, waitMs: 8000 });
  if (delivery === undefined) throw new Error('No message came within eight seconds.');
  return delivery;
}

import { describe, expect, test } from 'vitest';
import type { CloudEvent } from '#core/events.ts';
import type { EventBus } from '#core/ports.ts';
import { makeEvent } from './make-job.ts';

export interface OpenBus {
  readonly events: EventBus;
  /** What consumers of the bus have been given so far. */
  received(): Promise<readonly CloudEvent[]>;
  close(): Promise<void>;
}

/** What every EventBus keeps. */
export function eventBusContract(name: string, open: () => Promise<OpenBus>): void {
  const promise = (title: string, keep: (bus: OpenBus) => Promise<void>) =>
    test(title, async () => {
      const bus = await open();
      try {
        await keep(bus);
      } finally {
        await bus.close();
      }
    });

  describe(`${name} as an EventBus`, () => {
    promise('a published event arrives whole', async ({ events, received }) => {
      const event = makeEvent();
      await events.publish(event);
      expect(await received()).toEqual([event]);
    });

    promise('texts beyond ASCII arrive as they were', async ({ events, received }) => {
      const event = makeEvent();
      const strange = { ...event, data: { ...event.data, tenant: 'Žofie 🎬 "\\\n\u2028 end' } };
      await events.publish(strange);
      expect(await received()).toEqual([strange]);
    });

    promise('fifty events published at once all arrive', async ({ events, received }) => {
      const sent = Array.from({ length: 50 }, makeEvent);
      await Promise.all(sent.map(event => events.publish(event)));
      const ids = (await received()).map(event => event.id);
      expect(ids.sort()).toEqual(sent.map(event => event.id).sort());
    });

    promise('an event published twice arrives under the same id', async ({ events, received }) => {
      const event = makeEvent();
      await events.publish(event);
      await events.publish(event);
      expect(new Set((await received()).map(({ id }) => id))).toEqual(new Set([event.id]));
    });
  });
}

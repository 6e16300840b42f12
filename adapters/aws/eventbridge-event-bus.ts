import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ReelayError } from '#core/errors.ts';
import type { EventBus } from '#core/ports.ts';
import { fromAws } from './aws-error.ts';

/** The client brings region and credentials. */
export interface EventBridgeEventBusOptions {
  readonly client: EventBridgeClient;
  readonly busName: string;
}

/** Events on an EventBridge bus: `source` and `type` to match rules on, the whole CloudEvent as the detail, so that its id goes along. */
export function createEventBridgeEventBus({ client, busName }: EventBridgeEventBusOptions): EventBus {
  return {
    async publish(event) {
      const command = new PutEventsCommand({
        Entries: [
          {
            EventBusName: busName,
            Source: event.source,
            DetailType: event.type,
            Time: new Date(event.time),
            Detail: JSON.stringify(event),
          },
        ],
      });
      const { FailedEntryCount = 0, Entries = [] } = await client.send(command).catch((error: unknown) => {
        throw fromAws(error, 'The event bus');
      });
      // PutEvents answers 200 even when it took nothing.
      if (FailedEntryCount > 0)
        throw new ReelayError('store_unavailable', `The event bus refused an event (${Entries[0]?.ErrorCode}).`);
    },
  };
}

import type { CloudEvent } from '#core/events.ts';
import type { EventBus } from '#core/ports.ts';

/** An EventBus that remembers what its consumers were given. */
export interface MemoryEventBus extends EventBus {
  readonly received: readonly CloudEvent[];
}

/** The EventBus port in memory for those of jobs; `onEvent` is told before anyone else can see it. */
export function createMemoryEventBus(onEvent: (event: CloudEvent) => void = () => undefined): MemoryEventBus {
  const received: CloudEvent[] = [];
  return {
    received,
    async publish(event) {
      if (!event.type.startsWith('video.')) return;
      received.push(event as CloudEvent);
      onEvent(event as CloudEvent);
    },
  };
}

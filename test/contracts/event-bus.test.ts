import { join } from 'node:path';
import { createLocalEventBus, readEvents } from '#adapters/local/local-event-bus.ts';
import { startAwsServers } from './aws-servers.ts';
import { eventBusContract } from './event-bus.contract.ts';
import { temporaryFolder } from './local-folder.ts';

eventBusContract('A file', async () => {
  const folder = temporaryFolder();
  const file = join(folder.path, 'events.jsonl');
  return {
    events: createLocalEventBus(file),
    received: () => Array.fromAsync(readEvents(file)),
    close: async () => folder.remove(),
  };
});

eventBusContract('EventBridge', async () => {
  const servers = await startAwsServers();
  return { ...servers, received: async () => servers.recordedEvents() };
});

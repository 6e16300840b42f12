import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudEvent } from '#core/events.ts';

interface PutEventsEntry {
  readonly EventBusName?: string;
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
}

/**
 * A loopback server that speaks EventBridge's PutEvents (AWS JSON 1.1) and records what it takes. It refuses what EventBridge refuses
 * of an entry: a missing source, detail type or detail, and a detail that is not an object in JSON.
 */
export async function startEventBridge() {
  const recorded: CloudEvent[] = [];
  let failing: { count: number; errorCode: string } = { count: 0, errorCode: '' };

  function take(entry: PutEventsEntry): Record<string, string> {
    if (failing.count > 0) {
      failing = { ...failing, count: failing.count - 1 };
      return { ErrorCode: failing.errorCode, ErrorMessage: 'told to fail' };
    }
    const event = parseDetail(entry.Detail);
    if (!entry.Source || !entry.DetailType || event === undefined)
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: 'Source, DetailType and a JSON object as Detail are required',
      };
    recorded.push(event);
    return { EventId: `entry-${recorded.length}` };
  }

  const server = createServer(async (request, response) => {
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    if (request.headers['x-amz-target'] !== 'AWSEvents.PutEvents')
      return send(400, { __type: 'UnknownOperationException' });
    const { Entries } = JSON.parse(await textOf(request)) as { Entries: readonly PutEventsEntry[] };
    const results = Entries.map(take);
    return send(200, { FailedEntryCount: results.filter(r => 'ErrorCode' in r).length, Entries: results });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded: (): readonly CloudEvent[] => recorded,
    failNext: (count: number, errorCode: string) => {
      failing = { count, errorCode };
    },
    async close() {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}

function parseDetail(detail: string | undefined): CloudEvent | undefined {
  try {
    const value: unknown = JSON.parse(detail ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CloudEvent) : undefined;
  } catch {
    return undefined;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

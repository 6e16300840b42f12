import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import type { Deps } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import { webhookRoutes } from '#functions/webhook-routes.ts';
import { toContext, toEvent } from '#local/http-event.ts';
import { createRouter } from '#local/router.ts';
import { createWorld, type World } from '#test/core/webhooks/webhook-world.ts';
import { keyIsTenant } from './key-is-tenant.ts';

export interface WebhookServer {
  readonly world: World;
  readonly url: string;
  /** A client whose API key is its tenant. */
  client(tenant?: string): OpenAI;
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>;
  close(): Promise<void>;
}

/** The webhook routes behind node:http, on a store in memory and receivers that answer as the world says. */
export async function startWebhookServer(): Promise<WebhookServer> {
  const world = createWorld({ real: true });
  const deps = {
    webhooks: world.ports,
    now: () => Date.now(),
    ...keyIsTenant,
    log: () => undefined,
  } as unknown as Deps;
  const route = createRouter(Object.keys(webhookRoutes));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const match = route(request.method ?? '', new URL(request.url ?? '/', 'http://x').pathname);
    if (!('key' in match)) return void response.writeHead(404).end();
    const event = toEvent(request, Buffer.concat(chunks), match);
    const result = await webhookRoutes[match.key]!(deps)(event, toContext(event)).catch(errorResult);
    response.writeHead(result.statusCode ?? 200, result.headers as Record<string, string>).end(result.body);
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    world,
    url,
    client: (tenant = 'acme') => new OpenAI({ baseURL: `${url}/v1`, apiKey: tenant, maxRetries: 0 }),
    call: async (method, path, body) => {
      const headers = {
        authorization: 'Bearer acme',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await fetch(url + path, init);
      return { status: response.status, body: await response.json() };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** The CLI's own server, as far as the components that we use call it: a loopback stub that answers and takes notes. */
export async function startSstServer(installed: string) {
  const called: string[] = [];
  const answers: Readonly<Record<string, (args: any) => unknown>> = {
    'Provider.Aws.Bootstrap': () => ({
      asset: 'sst-asset',
      state: 'sst-state',
      assetEcrRegistryId: '000000000000',
      assetEcrUrl: '000000000000.dkr.ecr.us-east-1.amazonaws.com/sst-asset',
      appsyncHttp: 'example.appsync-api.us-east-1.amazonaws.com',
      appsyncRealtime: 'example.appsync-realtime-api.us-east-1.amazonaws.com',
    }),
    'Provider.Aws.Appsync': () => ({
      http: 'example.appsync-api.us-east-1.amazonaws.com',
      realtime: 'example.appsync-realtime-api.us-east-1.amazonaws.com',
    }),
    'Runtime.Build': ({ handler }) => ({
      handler,
      out: join(installed, '.sst', 'platform', 'dist', 'bridge'),
      sourcemaps: [],
      errors: [],
    }),
    'Runtime.AddTarget': () => true,
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    called.push(method);
    const answer = answers[method];
    const body =
      answer === undefined ? { error: `rpc: can't find method ${method}` } : { result: answer(params?.[0] ?? {}) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id, ...body }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    called: (): readonly string[] => called,
    async close() {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
    },
  };
}

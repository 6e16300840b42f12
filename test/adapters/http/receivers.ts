import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';

/** One request as a receiver got it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly atMs: number;
}

export interface Receiver {
  readonly port: number;
  readonly requests: readonly Received[];
  /** Connections that were opened. */
  connections(): number;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly port?: number;
  readonly host?: string;
  /** Serves https with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly onServerName?: (name: string) => void;
  /** Looks at each request before it is answered. */
  readonly onRequest?: (request: Received) => void | Promise<void>;
}

/** A receiver on loopback that answers as `answer` does. */
export async function startReceiver(
  answer: (response: ServerResponse, request: Received) => void = response => response.end(),
  options: ReceiverOptions = {},
): Promise<Receiver> {
  const requests: Received[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const received = { method: request.method ?? '', path: request.url ?? '', headers, body, atMs: Date.now() };
    requests.push(received);
    await options.onRequest?.(received);
    answer(response, received);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch(() => response.destroy());
  const { tls, onServerName } = options;
  const SNICallback = (name: string, done: (error: null) => void) => {
    onServerName?.(name);
    done(null);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls, SNICallback }, listener);
  return listening(server, options, requests);
}

/** A receiver that speaks no HTTP: `behave` gets each socket. */
export function startRawReceiver(behave: (socket: Socket) => void, options: ReceiverOptions = {}): Promise<Receiver> {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined);
    behave(socket);
  });
  return listening(server, options, []);
}

async function listening(server: Server, options: ReceiverOptions, requests: readonly Received[]): Promise<Receiver> {
  let opened = 0;
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    opened++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => opened,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise(done => server.close(done));
    },
  };
}

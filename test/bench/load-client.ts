import { connect, type Socket } from 'node:net';

/** What became of one request: a status, or how the connection failed. */
export type Outcome = number | 'reset' | 'timeout' | 'garbled';

/** Keep-alive connections to one server, one request at a time on each. */
export interface LoadClient {
  /** Sends bytes that are one whole HTTP/1.1 request; `text` is the answer's body. Never throws. */
  send(request: string): Promise<{ outcome: Outcome; text: string }>;
  /** Connections opened so far: far below the number of requests, or keep-alive does not work. */
  opened(): number;
  close(): void;
}

/**
 * The server closes what idles for 5 s (Node's keepAliveTimeout); a request must not cross that close on its way. Counted from the last
 * request, since its answer may have been here for a while before this process looked.
 */
const MOST_IDLE_MS = 3_000;

interface Connection {
  readonly socket: Socket;
  usedAtMs: number;
  received: string;
  end: ((outcome: Outcome, text: string) => void) | undefined;
}

/**
 * A client that costs less than the server it loads: node:http's would need as much CPU as the handlers, on the same two cores. It reads
 * answers with a content-length only, as all answers of the API that it is used for have.
 */
export function createLoadClient(port: number, { sockets = 2_048, timeoutMs = 10_000 } = {}): LoadClient {
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const waiting: ((connection: Connection) => void)[] = [];
  let opened = 0;

  const dialOne = (): Connection => {
    const connection = dial(port, dead => open.delete(dead));
    open.add(connection);
    opened++;
    return connection;
  };

  /** To whoever waits longest; a request that comes now does not overtake it. */
  const release = (connection: Connection, reusable: boolean) => {
    if (!reusable) {
      open.delete(connection);
      connection.socket.destroy();
    }
    const next = waiting.shift();
    if (next !== undefined) next(reusable ? connection : dialOne());
    else if (reusable) idle.push(connection);
  };

  const acquire = (): Promise<Connection> | Connection => {
    // Last in, first out: few connections stay busy and the others grow old.
    for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
      if (isFresh(connection)) return connection;
      open.delete(connection);
      connection.socket.destroy();
    }
    return open.size < sockets ? dialOne() : new Promise(resolve => waiting.push(resolve));
  };

  return {
    opened: () => opened,
    async send(request) {
      const connection = await acquire();
      return new Promise(resolve => {
        const timer = setTimeout(() => connection.end?.('timeout', ''), timeoutMs);
        connection.end = (outcome, text) => {
          connection.end = undefined;
          clearTimeout(timer);
          release(connection, typeof outcome === 'number' && !connection.socket.destroyed);
          resolve({ outcome, text });
        };
        connection.usedAtMs = performance.now();
        connection.socket.write(request, 'latin1');
      });
    },
    close: () => {
      for (const { socket } of open) socket.destroy();
    },
  };
}

function isFresh({ socket, usedAtMs }: Connection): boolean {
  return !socket.destroyed && socket.writable && performance.now() - usedAtMs < MOST_IDLE_MS;
}

function dial(port: number, onDead: (connection: Connection) => void): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const connection: Connection = { socket, usedAtMs: 0, received: '', end: undefined };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: unknown) => {
    connection.received += String(chunk);
    readAnswer(connection);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    onDead(connection);
    connection.end?.('reset', '');
  });
  return connection;
}

function readAnswer(connection: Connection): void {
  const { received } = connection;
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return;
  const head = received.slice(0, headEnd);
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const bodyEnd = headEnd + 4 + Number(length);
  if (status !== undefined && length !== undefined && received.length < bodyEnd) return;
  connection.received = '';
  if (/\r\nconnection: *close/i.test(head)) connection.socket.end();
  const isWhole = status !== undefined && length !== undefined && received.length === bodyEnd;
  connection.end?.(isWhole ? Number(status) : 'garbled', received.slice(headEnd + 4));
}

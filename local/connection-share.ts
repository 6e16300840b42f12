/** @file What one address may hold of a server's connections, so that it cannot shut everybody else out. */
import type { Server, Socket } from 'node:net';
import type { Log } from '#functions/deps.ts';
import { isLoopback } from './front.ts';
import { networkOf } from './wrong-keys.ts';

/** Refusals are logged once in so long: whoever connects again and again must not fill the log. */
const LOG_EVERY_MS = 60_000;

/** How many, and who is told. */
export interface ConnectionShare {
  /** Open connections of one address; of IPv6 its first half counts, for one machine has all of that. */
  readonly most: number;
  readonly log: Log;
}

/**
 * Closes connections of an address that has `most` open already. Programs of this machine are not counted: they share one address, and
 * whoever runs them has other ways to stop the server.
 */
export function shareConnections(server: Server, { most, log }: ConnectionShare): void {
  const open = new Map<string, number>();
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress?.replace(/^::ffff:/i, '');
    // Who is gone already has none.
    if (address === undefined || isLoopback(address)) return;
    const network = networkOf(address);
    const count = open.get(network) ?? 0;
    if (count >= most) {
      socket.destroy();
      const nowMs = performance.now();
      if (nowMs - loggedAtMs < LOG_EVERY_MS) return;
      loggedAtMs = nowMs;
      log('warn', 'an address has too many connections', { address, most });
      return;
    }
    open.set(network, count + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}

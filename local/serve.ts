import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReelayError } from '#core/errors.ts';
import { type Embedded, openEmbedded } from './embedded.ts';
import { createHttpServer } from './http-server.ts';
import { loadStaticFiles, noStaticFiles } from './static-files.ts';
import { buildStudio } from './studio.ts';

export interface ServeOptions {
  readonly dataFolder: string;
  readonly port: number;
  readonly modelsFolder?: string;
  /** false: no page, as tests of the API want it. */
  readonly studio?: boolean;
  /** false: requests are queued and a worker elsewhere renders them. */
  readonly work?: boolean;
}

export interface Serving {
  readonly url: string;
  readonly embedded: Embedded;
  close(): Promise<void>;
}

/** Embedded mode: the handlers on loopback, the worker beside them, the page. Throws `port_unavailable`. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const page = options.studio === false ? noStaticFiles : loadStaticFiles(await buildStudio());
  const embedded = await openEmbedded(options);
  const server = createHttpServer(embedded.deps, page);
  try {
    await listen(server, options.port);
  } catch (error) {
    await embedded.close();
    throw error;
  }
  if (options.work !== false) embedded.work();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    embedded,
    close: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await embedded.close();
    },
  };
}

/** A server that was killed a moment ago may hold the port for another second. */
const PORT_TRIES = 8;

async function listen(server: Server, port: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const error = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
      server.once('error', resolve);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', resolve);
        resolve(undefined);
      });
    });
    if (error === undefined) return;
    if (error.code !== 'EADDRINUSE' || tries === PORT_TRIES) throw cannotListen(error, port);
    await sleep(250);
  }
}

function cannotListen(error: NodeJS.ErrnoException, port: number): ReelayError {
  const why =
    error.code === 'EADDRINUSE'
      ? `Port ${port} on 127.0.0.1 is taken, perhaps by another Reelay; stop it or choose another with PORT=4181.`
      : `Port ${port} on 127.0.0.1 cannot be opened (${error.code ?? error.message}); choose another with PORT=4181.`;
  return new ReelayError('port_unavailable', why, { cause: error });
}

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { type Embedded, type EmbeddedOptions, openEmbedded } from './embedded.ts';
import { createHttpServer } from './http-server.ts';
import { loadStaticFiles, noStaticFiles, type StaticFiles } from './static-files.ts';
import { buildStudio } from './studio.ts';

/** How to serve; the defaults are those of `npm start`. */
export interface ServeOptions extends EmbeddedOptions {
  readonly port: number;
  /** false: no page, as tests of the API want it. */
  readonly studio?: boolean;
  /** false: requests are queued and a worker elsewhere renders them. */
  readonly work?: boolean;
}

/** A server that listens. */
export interface Serving {
  readonly url: string;
  readonly embedded: Embedded;
  /** false: the page could not be built and the API is served without one. */
  readonly hasStudio: boolean;
  close(): Promise<void>;
}

/** Embedded mode: the handlers on loopback, the worker beside them, the page. Throws `port_unavailable`. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const embedded = await openEmbedded(options);
  const page = options.studio === false ? noStaticFiles : await studioFiles(embedded);
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
    hasStudio: page !== noStaticFiles,
    close: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await embedded.close();
    },
  };
}

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
    if (error.code !== 'EADDRINUSE' || tries === limits.portTries) throw cannotListen(error, port);
    await sleep(limits.portRetryMs);
  }
}

/** The page; a checkout that cannot be written and was never built serves the API without one. */
async function studioFiles(embedded: Embedded): Promise<StaticFiles> {
  try {
    return loadStaticFiles(await buildStudio());
  } catch (error) {
    embedded.deps.log('error', 'the studio could not be built', { at: placeOf(error) });
    return noStaticFiles;
  }
}

function cannotListen(error: NodeJS.ErrnoException, port: number): ReelayError {
  const why =
    error.code === 'EADDRINUSE'
      ? `Port ${port} on 127.0.0.1 is taken, perhaps by another Reelay; stop it or choose another with PORT=4181.`
      : `Port ${port} on 127.0.0.1 cannot be opened (${error.code ?? error.message}); choose another with PORT=4181.`;
  return new ReelayError('port_unavailable', why, { cause: error });
}

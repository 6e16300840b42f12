import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { type Embedded, type EmbeddedOptions, openEmbedded, openTo } from './embedded.ts';
import { checkFront, type Front, inUrl, isKeyless, isWildcard, LOOPBACK_HOST } from './front.ts';
import { createHttpServer } from './http-server.ts';
import { loadStaticFiles, noStaticFiles, type StaticFiles } from './static-files.ts';
import { hasStoredKeys } from './stored-keys.ts';
import { buildStudio } from './studio.ts';

/** How to serve; the defaults are those of `npm start`. */
export interface ServeOptions extends EmbeddedOptions, Front {
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
  /** Resolves when nothing of it writes into the data folder any more; again is fine. */
  close(): Promise<void>;
}

/**
 * Embedded mode: the handlers, the worker beside them, the page; on loopback, or where `Front` says. Throws `port_unavailable`, and
 * `invalid_request` for a front that would let everyone in.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  // Looked at only where it decides: a refused start opens nothing.
  const asksForStored = !isKeyless(options) && (options.keySha256s ?? '') === '';
  checkFront(options, Date.now(), asksForStored && (await hasStoredKeys(options.dataFolder, Date.now())));
  const { host = LOOPBACK_HOST, keySha256s = '' } = options;
  const embedded = await openEmbedded(options);
  const page = options.studio === false ? noStaticFiles : await studioFiles(embedded);
  const { deps } = embedded;
  const authenticate = openTo(embedded.authenticator, { isKeyless: isKeyless(options), keySha256s });
  const server = createHttpServer({ ...deps, authenticate }, page, options);
  try {
    await listen(server, options.port, host);
  } catch (error) {
    await embedded.close();
    throw error;
  }
  if (options.work !== false) embedded.work();
  const close = async () => {
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    server.hangUp();
    await closed;
    await embedded.close(server.settled());
  };
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(options, (server.address() as AddressInfo).port),
    embedded,
    hasStudio: page !== noStaticFiles,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Where clients find it: the address it listens on, or the first of its names where that is all of the machine's. */
function urlOf({ host = LOOPBACK_HOST, publicHosts = [], tls }: Front, port: number): string {
  const name = isWildcard(host) ? (publicHosts[0] ?? LOOPBACK_HOST) : inUrl(host);
  return `${tls === undefined ? 'http' : 'https'}://${/:\d+$/.test(name) ? name : `${name}:${port}`}`;
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const error = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
      server.once('error', resolve);
      server.listen(port, host, () => {
        server.off('error', resolve);
        resolve(undefined);
      });
    });
    if (error === undefined) return;
    if (error.code !== 'EADDRINUSE' || tries === limits.portTries) throw cannotListen(error, port, host);
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

function cannotListen(error: NodeJS.ErrnoException, port: number, host: string): ReelayError {
  const why =
    error.code === 'EADDRINUSE'
      ? `Port ${port} on ${host} is taken, perhaps by another Reelay; stop it or choose another with PORT=4181.`
      : error.code === 'EADDRNOTAVAIL'
        ? `--host (REELAY_HOST): this machine has no address ${host}.`
        : `Port ${port} on ${host} cannot be opened (${error.code ?? error.message}); choose another with PORT=4181.`;
  return new ReelayError('port_unavailable', why, { cause: error });
}

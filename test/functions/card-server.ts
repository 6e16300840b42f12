import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { ModelCatalog } from '#core/models.ts';
import type { Deps } from '#functions/deps.ts';
import { createRecordVerifier } from '#functions/record-verifier.ts';
import { createHttpServer } from '#local/http-server.ts';
import { createLocalPorts, type LocalPolicy, type LocalPorts } from '#local/local-ports.ts';
import { noStaticFiles } from '#local/static-files.ts';
import { finishJobs } from '#test/drop/drop-world.ts';
import { keyIsTenant } from './key-is-tenant.ts';

export interface CardServer {
  readonly deps: Deps;
  readonly url: string;
  /** A client whose API key is its tenant. */
  client(tenant?: string): OpenAI;
  call(method: string, path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: any }>;
  post(path: string, fields: unknown): Promise<{ status: number; body: any }>;
  /** Completes what waits, with a few bytes each. */
  finish(): Promise<number>;
  close(): Promise<void>;
}

/** Whom the server lets in, made of its ports. */
type WhoAsks = (ports: LocalPorts) => Pick<Deps, 'authenticate' | 'rates' | 'keyEnvironment'>;

/** The whole API on the local adapters, with models of which there is only the card: for tasks that no small bundle offers. */
export async function startCardServer(
  models: ModelCatalog,
  whoAsks: WhoAsks = () => keyIsTenant,
  policy: LocalPolicy = {},
): Promise<CardServer> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-cards-'));
  const db = openDatabase(folder);
  // What tests show with it does not depend on its jobs' reaching the disk.
  db.exec('PRAGMA synchronous=OFF');
  const ports = createLocalPorts({ ...policy, db, folder, owner: 'test', models, now: () => Date.now() });
  const deps: Deps = {
    ...ports,
    ...whoAsks(ports),
    verifier: createRecordVerifier({ ...ports, modelOf: () => undefined }),
    canStream: true,
    sleep: ms => new Promise(done => setTimeout(done, ms)),
    log: () => undefined,
    describe: async () => ({}),
  };
  const server = createHttpServer(deps, noStaticFiles);
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call: CardServer['call'] = async (method, path, init = {}) => {
    const headers = { authorization: 'Bearer local', ...(init.headers as Record<string, string>) };
    const response = await fetch(url + path, { ...init, method, headers });
    const isCsv = response.headers.get('content-type')?.startsWith('text/csv') === true;
    const body = isCsv ? await response.text() : await response.json();
    return { status: response.status, headers: response.headers, body };
  };
  return {
    deps,
    url,
    client: (tenant = 'local') => new OpenAI({ baseURL: `${url}/v1`, apiKey: tenant, maxRetries: 0 }),
    call,
    post: (path, fields) =>
      call('POST', path, { body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } }),
    finish: () => finishJobs(ports),
    close: async () => {
      server.closeAllConnections();
      await new Promise(done => server.close(done));
      await server.settled();
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

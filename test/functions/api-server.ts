import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServeOptions, type Serving, serve } from '#local/serve.ts';

export interface ApiServer extends Serving {
  readonly folder: string;
  call(method: string, path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: any }>;
  post(fields: Record<string, unknown>): Promise<any>;
  /** Polls until the job ended. */
  ended(id: string): Promise<any>;
}

const MOST_LOOKS = 600;

/** The embedded server on a folder and port of its own, without the page. */
export async function startApi(options: Partial<ServeOptions> = {}): Promise<ApiServer> {
  const folder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'reelay-api-')));
  const serving = await serve({ dataFolder: folder, port: 0, studio: false, ...options });
  const call: ApiServer['call'] = async (method, path, init = {}) => {
    const response = await fetch(serving.url + path, { method, ...init });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  const json = (fields: unknown) => ({ body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } });
  return {
    ...serving,
    folder,
    call,
    post: async fields => (await call('POST', '/v1/videos', json(fields))).body,
    ended: async id => {
      for (let looks = 0; looks < MOST_LOOKS; looks++) {
        const { body } = await call('GET', `/v1/videos/${id}`);
        if (['completed', 'failed', 'cancelled'].includes(body.state)) return body;
        await sleep(100);
      }
      throw new Error(`job ${id} did not end`);
    },
    close: async () => {
      await serving.close();
      if (options.dataFolder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

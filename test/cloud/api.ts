import { request } from 'node:http';

/** An answer of the deployed API. */
export interface ApiAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: any;
}

/**
 * One call of the API that the stack made. The emulator knows an API by its host name, which no DNS has: the name goes into the header
 * and the connection to the emulator.
 */
export function callApi(
  apiUrl: string,
  key: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<ApiAnswer> {
  const [, host = '', port = ''] = /^https?:\/\/([^:/]+):(\d+)/.exec(apiUrl) ?? [];
  const headers = {
    host: `${host}:${port}`,
    'content-type': 'application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, timeout: 60_000 }, response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body: parsed(text) });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer within 60 s`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

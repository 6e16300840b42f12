import { ReelayError } from '#core/errors.ts';

/** Where the README says the server is. */
export const DEFAULT_PORT = 4180;

/** PORT, or 4180; 0 lets the system choose. */
export function portFrom(env: NodeJS.ProcessEnv): number {
  const text = env.PORT ?? '';
  if (text === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new ReelayError('invalid_request', `PORT: got "${text.slice(0, 20)}"; a number from 0 to 65535 is allowed.`);
  return port;
}

/** REELAY_DATA, or .reelay in the working directory. */
export function dataFolderFrom(env: NodeJS.ProcessEnv): string {
  return env.REELAY_DATA === undefined || env.REELAY_DATA === '' ? '.reelay' : env.REELAY_DATA;
}

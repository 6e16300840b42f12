import type { ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';

/** Answers that another try may change: the server is busy or restarts (RFC 9110, section 15.6; 429: RFC 6585). */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Objects below an address, by HTTP range requests (RFC 9110, section 14). https, or http on loopback and in one's own network: the hashes
 * vouch for the bytes, but not for who reads along. Throws `invalid_request` for what is no such address.
 */
export function createHttpObjects(address: string): ObjectSource {
  const base = baseOf(address);
  const name = base.href.replace(/\/$/, '');
  const ask = async (key: string, init: RequestInit): Promise<Response | undefined> => {
    const response = await fetch(new URL(key, base), init).catch(cause => {
      throw new ReelayError('store_unavailable', `${name} did not answer.`, { cause });
    });
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new ReelayError('store_unavailable', `${name} answered ${response.status}.`, {
      retryable: RETRYABLE.has(response.status),
    });
  };
  return {
    name,
    async size(key, signal: AbortSignal) {
      const response = await ask(key, { method: 'HEAD', signal, headers: { 'accept-encoding': 'identity' } });
      if (response === undefined) return undefined;
      const bytes = response.headers.get('content-length');
      if (bytes !== null) return Number(bytes);
      throw new ReelayError('store_unavailable', `${name} does not say how long ${key} is.`, { retryable: false });
    },
    async read(key, { start, end }, signal: AbortSignal) {
      const headers = { range: `bytes=${start}-${end}`, 'accept-encoding': 'identity' };
      const response = await ask(key, { signal, headers });
      // A server without ranges sends everything: right only where everything from the first byte was meant.
      if (response?.status === 200 && start > 0) {
        await response.body?.cancel();
        throw new ReelayError('store_unavailable', `${name} does not serve ranges.`, { retryable: false });
      }
      return response?.body ?? undefined;
    },
  };
}

function baseOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new ReelayError(
      'invalid_request',
      `bundles: got "${address.slice(0, 80)}"; an https address without name, password and query is allowed.`,
    );
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

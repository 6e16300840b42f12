import type { ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';

/** Answers that another try may change: the server is busy or restarts (RFC 9110, section 15.6; 429: RFC 6585). */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Objects below an address, by HTTP range requests (RFC 9110, section 14). http is for loopback and one's own network: the hashes
 * vouch for the bytes, but not for who reads along. Redirects are not followed: a source must not choose what this machine asks. Throws `invalid_request` for what is no such address.
 */
export function createHttpObjects(address: string): ObjectSource {
  const base = baseOf(address);
  const name = base.href.replace(/\/$/, '');
  const ask = async (key: string, init: RequestInit): Promise<Response | undefined> => {
    const response = await fetch(new URL(key, base), { ...init, redirect: 'manual' }).catch(cause => {
      throw new ReelayError('store_unavailable', `${name} did not answer.`, { cause });
    });
    const why = response.ok ? whyNotPlain(response) : undefined;
    if (response.ok && why === undefined) return response;
    await response.body?.cancel();
    if (why !== undefined) throw new ReelayError('store_unavailable', `${name} ${why}.`, { retryable: false });
    if (response.status === 404 || response.status === 410) return undefined;
    const moved = response.status >= 300 && response.status < 400 ? '; redirects are not followed' : '';
    throw new ReelayError('store_unavailable', `${name} answered ${response.status}${moved}.`, {
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
      const from = /^bytes (\d+)-/.exec(response?.headers.get('content-range') ?? '')?.[1];
      if (from !== undefined && Number(from) !== start) {
        await response?.body?.cancel();
        const said = `${name} answered with the bytes from ${from} on, where those from ${start} on were asked for.`;
        throw new ReelayError('store_unavailable', said, { retryable: false });
      }
      return response?.body ?? undefined;
    },
  };
}

/** Bytes that are packed on the way are not those that the hashes are of, and fetch would unpack them. */
function whyNotPlain(response: Response): string | undefined {
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  return encoding === 'identity' ? undefined : `answers with the content encoding ${encoding.slice(0, 40)}, unasked`;
}

/** Whether an address may be one of bundles: without what must not be in a log, since it is in every sentence about the source. */
export function isBundleAddress(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}` === '';
}

function baseOf(address: string): URL {
  if (!isBundleAddress(address))
    throw new ReelayError('invalid_request', `bundles: got "${withoutSecrets(address)}"; ${ALLOWED}.`);
  const url = new URL(address);
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

const ALLOWED = 'an https address without name, password and query is allowed';

/** An address as it may be shown: what signs it or names somebody is left out. */
export function withoutSecrets(address: string): string {
  return address
    .replace(/[?#].*$/s, '?…')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1…@')
    .slice(0, 80);
}

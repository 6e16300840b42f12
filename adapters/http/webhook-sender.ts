/**
 * The one place from which Reelay calls URLs that users gave it. In order: the URL by the narrow grammar of core, once more, since the
 * operator's list may have changed; one name lookup; every address it gave must be allowed; a connection to these addresses and no
 * others, whatever the name leads to by then. Redirects are answers like others, proxies of the environment are not used.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { type AllowList, nothingAllowed } from '#core/webhooks/allow-list.ts';
import type { SendFailure, SendResult, WebhookRequest, WebhookSender } from '#core/webhooks/ports.ts';
import { webhookLimits } from '#core/webhooks/webhook-limits.ts';
import { mayReach, parseWebhookUrl, type WebhookUrl } from '#core/webhooks/webhook-url.ts';
import { createResolveHost, type ResolvedAddress, type ResolveHost } from './resolve-host.ts';

/** What a sender may be told. */
export interface WebhookSenderOptions {
  /** Internal receivers that the operator lets through; none otherwise. */
  readonly allow?: AllowList;
  readonly resolve?: ResolveHost;
  /** A certificate authority to trust instead of the system's, in PEM. */
  readonly ca?: string;
}

/** What is read of an answer after its status gets no more time than this: the status is known, the rest is thrown away. */
const DRAIN_MS = 1_000;

/** The WebhookSender port over node:http and node:https. */
export function createWebhookSender(options: WebhookSenderOptions = {}): WebhookSender {
  const { allow = nothingAllowed, resolve = createResolveHost(), ca } = options;
  return {
    async send(request) {
      const startedMs = performance.now();
      const done = (outcome: { status: number } | { failure: SendFailure }): SendResult => ({
        ...outcome,
        ms: performance.now() - startedMs,
      });
      const url = parseWebhookUrl(request.url, allow);
      if ('problem' in url || !readsAlike(url)) return done({ failure: 'url_refused' });
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), request.timeoutMs);
      try {
        const addresses = await within(deadline.signal, addressesOf(url, resolve));
        if (addresses.length === 0) return done({ failure: 'name_not_found' });
        if (!addresses.every(({ address }) => mayReach(url, address, allow)))
          return done({ failure: 'address_refused' });
        return done({ status: await exchange(url, addresses, request, { signal: deadline.signal, ca }) });
      } catch (error) {
        if (error instanceof TypeError) throw error; // ours, not the receiver's
        return done({ failure: deadline.signal.aborted ? 'timed_out' : failureOf(error) });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Whether the platform's parser sees the same host and port in it as ours. The grammar leaves no room for anything else. */
function readsAlike(url: WebhookUrl): boolean {
  if (!URL.canParse(url.href)) return false;
  const { protocol, username, password, hostname, port } = new URL(url.href);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  // An IPv6 address has several spellings; the one that is connected to is the address that was checked.
  const sameHost = url.address?.family === 6 ? hostname.startsWith('[') : host === url.host;
  const samePort = Number(port || (protocol === 'https:' ? 443 : 80)) === url.port;
  return sameHost && samePort && protocol === `${url.scheme}:` && username === '' && password === '';
}

async function addressesOf(url: WebhookUrl, resolve: ResolveHost): Promise<readonly ResolvedAddress[]> {
  if (url.address !== undefined) return [{ address: url.host, family: url.address.family }];
  return resolve(url.host, { named: url.named });
}

interface ExchangeOptions {
  readonly signal: AbortSignal;
  readonly ca: string | undefined;
}

/** The status of the answer. Rejects with the socket's error, or when `signal` is aborted. */
function exchange(
  url: WebhookUrl,
  addresses: readonly ResolvedAddress[],
  { headers, body }: WebhookRequest,
  { signal, ca }: ExchangeOptions,
): Promise<number> {
  const { pathname, search } = new URL(url.href);
  const options: RequestOptions = {
    method: 'POST',
    hostname: url.host,
    port: url.port,
    path: pathname + search,
    headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'Reelay-Webhooks/1' },
    lookup: pinned(addresses),
    // A fresh agent: no socket of another send, no proxy of the environment.
    agent: false,
    signal,
  };
  const secure = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) };
  return new Promise((resolve, reject) => {
    const request = url.scheme === 'https' ? httpsRequest({ ...options, ...secure }) : httpRequest(options);
    request.once('response', response => {
      drain(response);
      resolve(response.statusCode ?? 0);
    });
    // Also after the answer: a socket that breaks while the rest is thrown away is nobody's business.
    request.on('error', reject);
    // A 101 and other ends without an answer: Node tells of nothing but the close.
    request.once('close', () => reject(new Error('closed without an answer')));
    request.end(body);
  });
}

/** Answers every lookup of the socket with the addresses that were checked. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

function drain(response: IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), DRAIN_MS);
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > webhookLimits.maxAnswerBytes) response.destroy();
  });
  response.on('error', () => undefined);
  response.once('close', () => clearTimeout(timer));
}

/** Rejects as soon as the signal is aborted; what was being waited for goes on and is ignored. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    work.then(resolve, reject);
  });
}

const CONNECTION = new Set([
  'ECONNREFUSED',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EHOSTDOWN',
  'ENETDOWN',
  'EACCES',
  'EPERM',
  'EMFILE',
]);

function failureOf(error: unknown): SendFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // Happy Eyeballs tells what went wrong with each address; any one stands for all.
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  if (CONNECTION.has(code)) return 'connection_failed';
  if (code === 'ETIMEDOUT') return 'timed_out';
  if (/^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED|HOSTNAME_MISMATCH)/.test(code)) return 'certificate_refused';
  return 'bad_answer';
}

import { type Address, isGlobalAddress, isInternalAddress, parseAddress } from './address.ts';
import { type AllowList, allowsAddress, allowsHost, isHostName } from './allow-list.ts';
import { webhookLimits } from './webhook-limits.ts';

/** A URL that webhooks may be sent to, as far as it can be said without DNS. */
export interface WebhookUrl {
  /** What is sent to: scheme and host in lower case, the rest as it was given. */
  readonly href: string;
  readonly scheme: 'https' | 'http';
  /** In lower case, an IPv6 address without its brackets. */
  readonly host: string;
  /** The host where it is an address. */
  readonly address: Address | undefined;
  readonly port: number;
  /** The operator named this host: it may lead to internal addresses. */
  readonly named: boolean;
}

/** Never public by their standards: RFC 6761, RFC 6762, RFC 8375, ICANN's resolution of 2024-07-29, and by custom. */
const INTERNAL_NAMES = ['localhost', 'local', 'home.arpa', 'internal', 'localdomain'];
const DEFAULT_PORTS = { https: 443, http: 80 } as const;

/**
 * Reads a URL by a grammar so narrow that no two URL parsers can read it differently: scheme, `://`, a plain host name or canonical
 * address, maybe a port, then visible ASCII. No userinfo, no escapes or Unicode in the host, no backslash, no trailing dot, no
 * fragment. Without the operator's leave: https, port 443 and a public host. What is wrong comes back in words.
 */
export function parseWebhookUrl(text: string, allow: AllowList): WebhookUrl | { readonly problem: string } {
  if (text.length > webhookLimits.maxUrlChars)
    return wrong(`got ${text.length} characters; at most ${webhookLimits.maxUrlChars} are allowed.`);
  if (!/^[\x21-\x7e]*$/.test(text) || /[\\"<>^`{|}]/.test(text))
    return wrong(
      'it has a space, a backslash, a quote or a character outside ASCII; escape it, in a host by punycode.',
    );
  const [, scheme = '', authority = '', rest = ''] = /^(https?):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === '') return wrong('it is not a URL that starts with https://.');
  if (rest.includes('#')) return wrong('it has a fragment (#…), which is never sent; leave it out.');
  if (authority.includes('@')) return wrong('it has a user name or password; put a secret into the path instead.');
  const target = readAuthority(authority.toLowerCase(), scheme.toLowerCase() as 'https' | 'http');
  if (target === undefined)
    return wrong(
      'its host is neither a plain name like hooks.example.com nor an address like 203.0.114.7 or [2600::1].',
    );
  const named = allowsHost(allow, target.host, target.port);
  const problem = named ? undefined : refusal(target);
  if (problem !== undefined) return wrong(problem);
  return { ...target, named, href: `${target.scheme}://${target.authority}${rest === '' ? '/' : rest}` };
}

/** What is wrong with a URL for webhooks, in words that go after the field's name; undefined: nothing. DNS is asked at each send. */
export function checkWebhookUrl(text: string, allow: AllowList): string | undefined {
  const url = parseWebhookUrl(text, allow);
  return 'problem' in url ? url.problem : undefined;
}

/** Whether a webhook for this URL may be sent to an address that its host has. The operator's blocks count for every host. */
export function mayReach(url: WebhookUrl, address: string, allow: AllowList): boolean {
  const parsed = parseAddress(address);
  if (parsed === undefined) return false;
  if (isGlobalAddress(address) || allowsAddress(allow, parsed, url.port)) return true;
  return url.named && isInternalAddress(parsed);
}

interface Target extends Pick<WebhookUrl, 'scheme' | 'host' | 'address' | 'port'> {
  readonly authority: string;
}

function readAuthority(authority: string, scheme: 'https' | 'http'): Target | undefined {
  const [, ipv6, name = '', portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([1-9]\d{0,4}))?$/.exec(authority) ?? [];
  const host = ipv6 ?? name;
  const port = portText === undefined ? DEFAULT_PORTS[scheme] : Number(portText);
  const address = parseAddress(host);
  if (port < 1 || port > 65_535) return undefined;
  if (ipv6 === undefined ? address === undefined && !isHostName(host) : address?.family !== 6) return undefined;
  return { scheme, host, address, port, authority };
}

function refusal({ scheme, host, address, port }: Target): string | undefined {
  const ask = 'the operator of this server can allow it (REELAY_WEBHOOK_ALLOW)';
  if (address !== undefined && !isGlobalAddress(host)) return `${host} is no public address; ${ask}.`;
  if (address === undefined && (!host.includes('.') || isInternalName(host)))
    return `${host.slice(0, 80)} is no public name; ${ask}.`;
  if (scheme !== 'https') return `got http; https is allowed, or ${ask}.`;
  if (port !== DEFAULT_PORTS.https) return `got port ${port}; 443 is allowed, or ${ask}.`;
  return undefined;
}

function isInternalName(host: string): boolean {
  return INTERNAL_NAMES.some(name => host === name || host.endsWith(`.${name}`));
}

function wrong(problem: string): { readonly problem: string } {
  return { problem };
}

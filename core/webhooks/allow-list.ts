import { invalidRequest } from '../errors.ts';
import {
  type Address,
  type AddressBlock,
  inBlock,
  isMetadataAddress,
  parseAddress,
  parseBlock,
  singleBlock,
} from './address.ts';

/**
 * Internal receivers that the operator lets webhooks through to, beside the public internet. What is on it may use http and any port,
 * or the one port that its entry names.
 */
export interface AllowList {
  readonly hosts: readonly { readonly host: string; readonly port: number | null }[];
  readonly blocks: readonly { readonly block: AddressBlock; readonly port: number | null }[];
}

/** The public internet only. */
export const nothingAllowed: AllowList = { hosts: [], blocks: [] };

const PORT = /^(.*?):(\d{1,5})$/;

/**
 * `127.0.0.1:9000, 10.1.0.0/16, hooks.corp.example, [fd00::5]:8080`: names, addresses and blocks of addresses, each with a port or
 * without. A block lets every name through that leads into it, by https; a name also by http. Throws `invalid_request` naming each
 * entry that is neither.
 */
export function parseAllowList(text: string, setting = 'REELAY_WEBHOOK_ALLOW'): AllowList {
  const hosts: AllowList['hosts'][number][] = [];
  const blocks: AllowList['blocks'][number][] = [];
  const wrong: string[] = [];
  for (const entry of text.split(',').map(part => part.trim().toLowerCase())) {
    if (entry === '') continue;
    const { target, port } = splitPort(entry);
    const address = parseAddress(target);
    const block = address === undefined ? parseBlock(target) : singleBlock(address);
    if (port === undefined) wrong.push(entry);
    else if (block !== undefined) blocks.push({ block, port });
    else if (isHostName(target)) hosts.push({ host: target, port });
    else wrong.push(entry);
  }
  if (wrong.length > 0)
    throw invalidRequest(
      wrong.map(entry => ({
        path: setting,
        message: `${setting}: got "${entry.slice(0, 80)}"; names, addresses and blocks like 10.1.0.0/16 are allowed, each with ":port" or without.`,
      })),
    );
  return { hosts, blocks };
}

/** Names of DNS, in lower case, that no parser reads as a number; underscores are no host names but many receivers have them. */
export function isHostName(text: string): boolean {
  const labels = text.split('.');
  const last = labels.at(-1) ?? '';
  return (
    text.length <= 253 &&
    labels.every(label => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) &&
    !/^(\d+|0x[0-9a-f]*)$/.test(last)
  );
}

/** Whether the operator named this host, with this port or with any. `host`: in lower case, an address without brackets. */
export function allowsHost(allow: AllowList, host: string, port: number): boolean {
  const address = parseAddress(host);
  if (address !== undefined) return allowsAddress(allow, address, port);
  return allow.hosts.some(entry => entry.host === host && (entry.port === null || entry.port === port));
}

/** Whether the operator named this address or a block around it. Where clouds keep credentials only the address itself counts. */
export function allowsAddress(allow: AllowList, address: Address, port: number): boolean {
  const single = singleBlock(address).bits;
  return allow.blocks.some(
    entry =>
      (entry.port === null || entry.port === port) &&
      inBlock(entry.block, address) &&
      (!isMetadataAddress(address) || entry.block.bits === single),
  );
}

/** `port` is null without one, undefined for one that is none. */
function splitPort(entry: string): { target: string; port: number | null | undefined } {
  const [, inside, after = ''] = /^\[([^\]]*)\](.*)$/.exec(entry) ?? [];
  if (inside !== undefined) {
    const port = /^:(\d{1,5})$/.exec(after)?.[1];
    return { target: inside, port: after === '' ? null : portOf(port) };
  }
  // More than one colon is an IPv6 address or block as it stands.
  const [, target, port] = entry.split(':').length === 2 ? (PORT.exec(entry) ?? []) : [];
  return target === undefined ? { target: entry, port: null } : { target, port: portOf(port) };
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined;
}

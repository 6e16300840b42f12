/**
 * IP addresses as numbers, and which of them are global: the public internet and nothing else. Only the canonical decimal form of
 * IPv4 is an address here (RFC 6943, section 3.1.1, tells what the others have done); a zone index makes a text no address.
 */

/** An address: 32 or 128 bits. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** All addresses whose first `bits` bits are those of `value`. */
export interface AddressBlock extends Address {
  readonly bits: number;
}

/**
 * IANA IPv4 and IPv6 Special-Purpose Address Registries as of 2026-07-18, merged where blocks adjoin, with multicast (RFC 5771). All
 * of them, also the few entries that the registries call globally reachable: AS112, AMT and anycast relays are nobody's receiver.
 * test/core/webhooks/fixtures holds the registries, and a test holds every row.
 */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', // "this network"
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT; Alibaba Cloud's metadata is 100.100.100.200
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local: the metadata and ECS credential addresses of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; Oracle Cloud's metadata is 192.0.0.192
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
].map(blockOf);

/**
 * Of IPv6 only 2000::/3 is handed out (IANA IPv6 Address Space); with everything else go loopback, mapped and compatible IPv4, NAT64,
 * discard-only, segment routing, unique local, link-local and multicast. Inside it, the blocks with a special purpose.
 */
const GLOBAL_UNICAST_IPV6 = blockOf('2000::/3');
const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarking, AMT, AS112, ORCHID, drone ids
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: carries an IPv4 address that could be any
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
].map(blockOf);

/**
 * Where clouds hand credentials to whoever asks, by their own documents. All but Azure's lie in the blocks above; that one is a public
 * address which only answers inside.
 */
const METADATA = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  'fe80::/10',
].map(blockOf);

/** Where internal receivers live: private, loopback, shared and unique local addresses. */
const INTERNAL = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
].map(blockOf);

/** Whether an address is one of the public internet; false for a text that is no address. */
export function isGlobalAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined || isMetadataAddress(address)) return false;
  if (address.family === 4) return !SPECIAL_IPV4.some(block => inBlock(block, address));
  return inBlock(GLOBAL_UNICAST_IPV6, address) && !SPECIAL_IPV6.some(block => inBlock(block, address));
}

/** Whether a cloud may hand out credentials there: refused even where a name that leads there is allowed. */
export function isMetadataAddress(address: Address): boolean {
  return METADATA.some(block => inBlock(block, address));
}

/** Whether an address can be an internal receiver's, and is not one where clouds hand out credentials. */
export function isInternalAddress(address: Address): boolean {
  return !isMetadataAddress(address) && INTERNAL.some(block => inBlock(block, address));
}

/** An address from its text; undefined for anything else, such as `127.1`, `0x7f000001`, `010.0.0.1` or `fe80::1%eth0`. */
export function parseAddress(text: string): Address | undefined {
  const value = text.includes(':') ? ipv6Value(text) : ipv4Value(text);
  return value === undefined ? undefined : { family: text.includes(':') ? 6 : 4, value };
}

/** `10.1.0.0/16`, `fd00::/8`; undefined for anything else. Bits after the prefix are ignored. */
export function parseBlock(text: string): AddressBlock | undefined {
  const [, base = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(base);
  if (address === undefined || Number(length) > widthOf(address)) return undefined;
  return { ...address, bits: Number(length) };
}

/** Whether the address lies in the block. An IPv4 address never lies in an IPv6 block, not even of mapped ones. */
export function inBlock(block: AddressBlock, address: Address): boolean {
  if (block.family !== address.family) return false;
  const rest = BigInt(widthOf(block) - block.bits);
  return block.value >> rest === address.value >> rest;
}

/** The block of one address alone. */
export function singleBlock(address: Address): AddressBlock {
  return { ...address, bits: widthOf(address) };
}

function widthOf(address: Address): number {
  return address.family === 4 ? 32 : 128;
}

function ipv4Value(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

/** RFC 4291, section 2.2: groups of hex, one `::` for one or more of zeros, the last 32 bits also as IPv4. */
function ipv6Value(text: string): bigint | undefined {
  const sides = text.split('::');
  if (sides.length > 2) return undefined;
  const groups = sides.map((side, at) => groupsOf(side, at === sides.length - 1));
  const [head, tail] = groups;
  if (head === undefined || (sides.length === 2 && tail === undefined)) return undefined;
  const given = head.length + (tail?.length ?? 0);
  if (sides.length === 2 ? given > 7 : given !== 8) return undefined;
  const all = [...head, ...Array<number>(8 - given).fill(0), ...(tail ?? [])];
  return all.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function groupsOf(side: string, isLast: boolean): number[] | undefined {
  if (side === '') return [];
  const groups: number[] = [];
  const parts = side.split(':');
  for (const [at, part] of parts.entries()) {
    if (part.includes('.')) {
      const ipv4 = isLast && at === parts.length - 1 ? ipv4Value(part) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(Number(ipv4 >> 16n), Number(ipv4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** For the tables above, which a test reads row by row. */
function blockOf(text: string): AddressBlock {
  return parseBlock(text)!;
}

import { readFileSync } from 'node:fs';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inBlock, isGlobalAddress, parseAddress, parseBlock } from '#core/webhooks/address.ts';

interface Row {
  readonly block: string;
  readonly globallyReachable: string;
}
const REGISTRY = join(import.meta.dirname, 'fixtures', 'iana-special-purpose.json');
const rows = (JSON.parse(readFileSync(REGISTRY, 'utf8')) as { rows: Row[] }).rows;

/** First, last and two middle addresses of a block, as canonical text. */
function sampleOf(block: string): string[] {
  const { family, value, bits } = parseBlock(block)!;
  const width = family === 4 ? 32 : 128;
  const size = 1n << BigInt(width - bits);
  return [0n, size / 3n, size / 2n, size - 1n].map(offset => textOf(family, value + offset));
}

function textOf(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 255n).join('.');
  return Array.from({ length: 8 }, (_, n) => ((value >> BigInt(112 - 16 * n)) & 0xffffn).toString(16)).join(':');
}

describe('global addresses', () => {
  test.each(rows)('$block of the IANA registries is not global', ({ block }) => {
    for (const address of sampleOf(block)) expect(isGlobalAddress(address), address).toBe(false);
  });

  test('multicast, everything of IPv6 that is not handed out, and places where clouds keep credentials are not', () => {
    const blocks = ['224.0.0.0/4', 'ff00::/8', '::/8', '100::/8', '200::/7', '400::/6', '800::/5', '1000::/4'];
    for (const block of [
      ...blocks,
      '4000::/3',
      '6000::/3',
      '8000::/3',
      'a000::/3',
      'c000::/3',
      'e000::/4',
      'fec0::/10',
    ])
      for (const address of sampleOf(block)) expect(isGlobalAddress(address), address).toBe(false);
    const metadata = ['169.254.169.254', '169.254.170.2', '169.254.170.23', '168.63.129.16', '100.100.100.200'];
    for (const address of [...metadata, '192.0.0.192', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254'])
      expect(isGlobalAddress(address), address).toBe(false);
    for (const address of ['::ffff:8.8.8.8', '::8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'])
      expect(isGlobalAddress(address), address).toBe(false);
  });

  test('the neighbours of special blocks and well-known public addresses are', () => {
    const ipv4 = [
      '1.1.1.1',
      '8.8.8.8',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
    ];
    const more = [
      '128.0.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
      '192.0.3.0',
    ];
    const last = ['192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '203.0.112.255', '223.255.255.255'];
    const ipv6 = ['2000::', '2001:200::', '2001:db7:ffff::', '2001:db9::', '2003::1', '2606:4700:4700::1111', '3ffe::'];
    for (const address of [...ipv4, ...more, ...last, ...ipv6, '2a00:1450::1', '3fff:1000::'])
      expect(isGlobalAddress(address), address).toBe(true);
  });
});

describe('reading addresses', () => {
  test('only the canonical decimal form of IPv4 is an address, and none with a zone', () => {
    const other = [
      '127.1',
      '2130706433',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '127.0.0.01',
      '1.2.3.4.',
      '1.2.3',
      '256.1.1.1',
      '',
    ];
    for (const text of [
      ...other,
      'fe80::1%eth0',
      '1::2::3',
      ':::',
      '::1::',
      '12345::',
      '1:2:3:4:5:6:7',
      '[::1]',
      '::1.2.3',
    ])
      expect(parseAddress(text), text).toBeUndefined();
  });

  test('agrees with Node on 40,000 texts, right ones and broken ones', () => {
    const random = generator(7);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
    const group = () => pick(['0', '1', 'ffff', 'db8', '2001', 'fe80', '10000', 'g', '', '1.2.3.4', '01']);
    const octet = () => pick(['0', '1', '10', '127', '255', '256', '00', '01', '', '0x1', '1000']);
    for (let n = 0; n < 40_000; n++) {
      const isV6 = n % 2 === 0;
      const length = pick(isV6 ? [1, 2, 3, 7, 8, 8, 9] : [1, 3, 4, 4, 4, 5]);
      const parts = Array.from({ length }, isV6 ? group : octet);
      const text = parts.join(isV6 ? pick([':', ':', '::']) : '.');
      expect(parseAddress(text) !== undefined, text).toBe(isIP(text) !== 0);
    }
  });

  test('agrees with Node on which block holds what', () => {
    const random = generator(9);
    const bits = (n: number) => Array.from({ length: n }, () => (random() < 0.5 ? '0' : '1')).join('');
    for (let n = 0; n < 4_000; n++) {
      const family = n % 2 === 0 ? 4 : 6;
      const width = family === 4 ? 32 : 128;
      const length = Math.floor(random() * (width + 1));
      const shared = bits(length);
      const base = BigInt(`0b${shared}${bits(width - length)}0`) >> 1n;
      const other = BigInt(`0b${random() < 0.7 ? shared : bits(length)}${bits(width - length)}0`) >> 1n;
      const [baseText, otherText] = [textOf(family, base), textOf(family, other)];
      const list = new BlockList();
      list.addSubnet(baseText, length, family === 4 ? 'ipv4' : 'ipv6');
      const node = list.check(new SocketAddress({ address: otherText, family: family === 4 ? 'ipv4' : 'ipv6' }));
      expect(inBlock(parseBlock(`${baseText}/${length}`)!, parseAddress(otherText)!), `${baseText}/${length}`).toBe(
        node,
      );
    }
  });
});

/** mulberry32: the same texts in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

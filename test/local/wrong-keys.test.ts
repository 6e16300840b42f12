import { describe, expect, test } from 'vitest';
import { localPrincipal, unauthorized } from '#core/accounts/authenticate.ts';
import { suspendedRefusal } from '#core/accounts/tenant.ts';
import { createKeyCheck, WRONG_KEYS_A_MINUTE } from '#local/wrong-keys.ts';

const ME = localPrincipal();

function setUp() {
  let nowMs = 1_000_000;
  const lines: Record<string, unknown>[] = [];
  const check = createKeyCheck({
    authenticate: async authorization => {
      if (authorization === 'Bearer suspended') return suspendedRefusal();
      return authorization === 'Bearer right' ? ME : unauthorized();
    },
    now: () => nowMs,
    log: (_level, _message, fields) => lines.push(fields),
  });
  const from = (address: string, key?: string) =>
    check(address, key === undefined ? undefined : `Bearer ${key}`, 'GET /v1/videos');
  const many = async (times: number, address: string, key?: string) => {
    for (let n = 1; n < times; n++) await from(address, key);
    return from(address, key);
  };
  return { from, many, lines, pass: (ms: number) => (nowMs += ms) };
}

describe('wrong keys', () => {
  test('after twenty in a minute no key from there is looked at, the right one neither, until the minute is over', async () => {
    const { from, many, pass } = setUp();
    expect(await many(WRONG_KEYS_A_MINUTE, '192.0.2.7', 'wrong')).toEqual(unauthorized());
    pass(20_000);
    expect(await from('192.0.2.7', 'wrong')).toBe(40);
    expect(await from('192.0.2.7', 'right')).toBe(40);
    expect(await from('192.0.2.8', 'right')).toEqual(ME);
    pass(40_000);
    expect(await from('192.0.2.7', 'right')).toEqual(ME);
  });

  test('of one behind a proxy do not lock out those whose keys are right', async () => {
    const { from, many } = setUp();
    expect(await from('127.0.0.1', 'right')).toEqual(ME);
    expect(await many(WRONG_KEYS_A_MINUTE + 1, '127.0.0.1', 'wrong')).toBe(60);
    expect(await from('127.0.0.1', 'right')).toEqual(ME);
    expect(await from('127.0.0.1', 'wrong')).toBe(60);
  });

  test('count by machine: an IPv6 network is one, and IPv4 is the same by either socket', async () => {
    const { from, many } = setUp();
    await many(WRONG_KEYS_A_MINUTE, '2001:db8:1:2::5', 'wrong');
    expect(await from('2001:db8:1:2:aaaa:bbbb:cccc:dddd', 'right')).toBe(60);
    expect(await from('2001:db8:1:3::5', 'right')).toEqual(ME);
    await many(WRONG_KEYS_A_MINUTE, '::ffff:192.0.2.7', 'wrong');
    expect(await from('192.0.2.7', 'right')).toBe(60);
    expect(await from('::1', 'right')).toEqual(ME);
  });

  test('are not what a call without a key is, and a flood of either writes a line for each power of ten', async () => {
    const { from, many, lines, pass } = setUp();
    expect(await many(1_500, '192.0.2.7')).toEqual(unauthorized());
    expect(lines.map(line => line.refusedInMinute)).toEqual([1, 10, 100, 1_000]);
    expect(lines[0]).toEqual({ route: 'GET /v1/videos', address: '192.0.2.7', refusedInMinute: 1 });
    expect(await from('192.0.2.7', 'right')).toEqual(ME);
    pass(60_000);
    await from('192.0.2.7');
    expect(lines).toHaveLength(5);
  });

  test('of any number of addresses are forgotten one by one, not all kept', async () => {
    const { from, many } = setUp();
    await many(WRONG_KEYS_A_MINUTE, '192.0.2.7', 'wrong');
    for (let n = 0; n < 9_999; n++) await from(`10.0.${n >> 8}.${n & 255}`, 'wrong');
    expect(await from('192.0.2.7', 'right')).toBe(60);
    await from('192.0.2.99', 'wrong');
    expect(await from('192.0.2.7', 'right')).toEqual(ME);
  });

  test('are not what the right key of a suspended tenant is', async () => {
    const { from, many } = setUp();
    expect(await many(WRONG_KEYS_A_MINUTE + 1, '192.0.2.7', 'suspended')).toEqual(suspendedRefusal());
    expect(await from('192.0.2.7', 'right')).toEqual(ME);
  });
});

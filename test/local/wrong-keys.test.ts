import { describe, expect, test } from 'vitest';
import { createKeyCheck, WRONG_KEYS_A_MINUTE } from '#local/wrong-keys.ts';

function setUp() {
  let nowMs = 1_000_000;
  const lines: Record<string, unknown>[] = [];
  const check = createKeyCheck({
    authenticate: authorization => (authorization === 'Bearer right' ? 'local' : undefined),
    now: () => nowMs,
    log: (_level, _message, fields) => lines.push(fields),
  });
  const from = (address: string, key?: string) =>
    check(address, key === undefined ? undefined : `Bearer ${key}`, 'GET /v1/videos');
  const many = (times: number, address: string, key?: string) =>
    Array.from({ length: times }, () => from(address, key)).at(-1);
  return { from, many, lines, pass: (ms: number) => (nowMs += ms) };
}

describe('wrong keys', () => {
  test('after twenty in a minute no key from there is looked at, the right one neither, until the minute is over', () => {
    const { from, many, pass } = setUp();
    expect(many(WRONG_KEYS_A_MINUTE, '192.0.2.7', 'wrong')).toBe(0);
    pass(20_000);
    expect(from('192.0.2.7', 'wrong')).toBe(40);
    expect(from('192.0.2.7', 'right')).toBe(40);
    expect(from('192.0.2.8', 'right')).toBeUndefined();
    pass(40_000);
    expect(from('192.0.2.7', 'right')).toBeUndefined();
  });

  test('of one behind a proxy do not lock out those whose keys are right', () => {
    const { from, many } = setUp();
    expect(from('127.0.0.1', 'right')).toBeUndefined();
    expect(many(WRONG_KEYS_A_MINUTE + 1, '127.0.0.1', 'wrong')).toBe(60);
    expect(from('127.0.0.1', 'right')).toBeUndefined();
    expect(from('127.0.0.1', 'wrong')).toBe(60);
  });

  test('count by machine: an IPv6 network is one, and IPv4 is the same by either socket', () => {
    const { from, many } = setUp();
    many(WRONG_KEYS_A_MINUTE, '2001:db8:1:2::5', 'wrong');
    expect(from('2001:db8:1:2:aaaa:bbbb:cccc:dddd', 'right')).toBe(60);
    expect(from('2001:db8:1:3::5', 'right')).toBeUndefined();
    many(WRONG_KEYS_A_MINUTE, '::ffff:192.0.2.7', 'wrong');
    expect(from('192.0.2.7', 'right')).toBe(60);
    expect(from('::1', 'right')).toBeUndefined();
  });

  test('are not what a call without a key is, and a flood of either writes a line for each power of ten', () => {
    const { from, many, lines, pass } = setUp();
    expect(many(1_500, '192.0.2.7')).toBe(0);
    expect(lines.map(line => line.refusedInMinute)).toEqual([1, 10, 100, 1_000]);
    expect(lines[0]).toEqual({ route: 'GET /v1/videos', address: '192.0.2.7', refusedInMinute: 1 });
    expect(from('192.0.2.7', 'right')).toBeUndefined();
    pass(60_000);
    from('192.0.2.7');
    expect(lines).toHaveLength(5);
  });

  test('of any number of addresses are forgotten one by one, not all kept', () => {
    const { from, many } = setUp();
    many(WRONG_KEYS_A_MINUTE, '192.0.2.7', 'wrong');
    for (let n = 0; n < 9_999; n++) from(`10.0.${n >> 8}.${n & 255}`, 'wrong');
    expect(from('192.0.2.7', 'right')).toBe(60);
    from('192.0.2.99', 'wrong');
    expect(from('192.0.2.7', 'right')).toBeUndefined();
  });
});

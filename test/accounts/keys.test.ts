import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { inspectKey, newKey } from '#core/accounts/api-key.ts';
import { createAuthenticator, localPrincipal, unauthorized } from '#core/accounts/authenticate.ts';
import { parseKeepOldHours, parseKeyFields } from '#core/accounts/key-input.ts';
import { createKey, listKeys, revokeKey, rotateKey } from '#core/accounts/keys.ts';
import { checkScope, scopes } from '#core/accounts/scopes.ts';
import { createTenant, updateTenant } from '#core/accounts/tenants.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { dyingAt, openWorld, sha256, type World } from './account-world.ts';

let world: World;
let ports: ReturnType<typeof portsOn>;
beforeEach(async () => {
  world = openWorld();
  ports = portsOn(world.kv);
  await createTenant(ports, 'acme', {});
});
afterEach(() => world.close());

const portsOn = (kv: KeyValueStore) => ({
  kv,
  now: () => world.time.nowMs,
  random: (n: number) => new Uint8Array(randomBytes(n)),
  sha256,
  environment: 'test',
});
const fields = (some: object = {}) => parseKeyFields({ name: 'farm', ...some }, world.time.nowMs);
const bearer = (text: string) => `Bearer ${text}`;

describe('the text of a key', () => {
  const { text, keyId } = newKey('live', n => new Uint8Array(randomBytes(n)));

  test('names its environment and its id, and says by a CRC-32 that it is whole', () => {
    expect(text).toMatch(/^rly_live_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{59}$/);
    expect(inspectKey(text)).toEqual({ is: 'key', keyId, environment: 'live' });
    const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
    const sum = [...text.slice(-7)].reduce((bits, letter) => (bits << 5n) | BigInt(alphabet.indexOf(letter)), 0n) >> 3n;
    expect(Number(sum)).toBe(crc32(text.slice(0, -7)));
  });

  test('has 256 random bits of its own each time', () => {
    const texts = new Set(Array.from({ length: 200 }, () => newKey('live', n => new Uint8Array(randomBytes(n))).text));
    expect(texts.size).toBe(200);
    const bytes = (n: number) => new Uint8Array(n).fill(255);
    expect(newKey('live', bytes).text.slice(9 + 16 + 1, -7)).toBe(`${'z'.repeat(51)}g`); // 51 * 5 + 1 bits
  });

  test('with any one character changed, or two neighbours swapped, is a typo', () => {
    for (let at = 9; at < text.length; at++) {
      for (const letter of 'a0Z_ ') {
        const typo = text.slice(0, at) + letter + text.slice(at + 1);
        if (typo !== text) expect(inspectKey(typo).is, typo).toBe('typo');
      }
      const swapped = text.slice(0, at - 1) + text[at] + text[at - 1] + text.slice(at + 1);
      if (swapped !== text) expect(inspectKey(swapped).is, swapped).toBe('typo');
    }
    for (const other of ['', 'sk-abc', 'RLY_LIVE_']) expect(inspectKey(other).is).toBe('other');
  });
});

describe('keys', () => {
  test('are stored as their hash: the store never has the text, nor any part of the secret', async () => {
    const { text } = await createKey(ports, 'acme', fields());
    const everything = JSON.stringify(
      await Promise.all(
        ['api_keys/hashes', 'api_key_lists/acme', 'tenants/all'].map(space => world.kv.list(space, { limit: 100 })),
      ),
    );
    const secret = text.slice(-59);
    for (let at = 0; at < 50; at += 8) expect(everything).not.toContain(secret.slice(at, at + 9));
    expect(everything).toContain(sha256(text));
  });

  test('let in as their tenant with their scopes, in two reads, and in none while they are remembered', async () => {
    const { text, key } = await createKey(ports, 'acme', fields({ scopes: ['videos:read'], budget: { day: '5' } }));
    let reads = 0;
    const counted = {
      ...world.kv,
      get: (space: string, name: string) => {
        reads++;
        return world.kv.get(space, name);
      },
    };
    const { authenticate } = createAuthenticator(portsOn(counted));
    for (let n = 0; n < 3; n++)
      expect(await authenticate(bearer(text))).toMatchObject({
        tenant: 'acme',
        keyId: key.keyId,
        budgetKey: key.keyId,
        scopes: ['videos:read'],
        keyBudget: { day: 5_000_000, month: null },
      });
    expect(reads).toBe(2);
  });

  test('that are unknown, malformed, expired or revoked are refused alike, after the same work', async () => {
    const dead = await createKey(ports, 'acme', fields({ name: 'dead' }));
    await revokeKey(ports, 'acme', dead.key.keyId);
    const old = await createKey(ports, 'acme', fields({ name: 'old', expires_at: world.time.nowMs / 1000 + 60 }));
    world.time.nowMs += 60_000;
    const calls: string[] = [];
    const counted = {
      ...world.kv,
      get: (space: string, name: string) => {
        calls.push(`get ${space}`);
        return world.kv.get(space, name);
      },
    };
    const hashed: number[] = [];
    const authenticator = createAuthenticator({
      ...portsOn(counted),
      sha256: text => {
        hashed.push(1);
        return sha256(text);
      },
    });
    const { text } = newKey('test', n => new Uint8Array(randomBytes(n)));
    const headers = [
      undefined,
      '',
      'Basic x',
      bearer('x'),
      bearer(text),
      bearer(dead.text),
      bearer(old.text),
      bearer('y'.repeat(100_000)),
    ];
    for (const header of headers)
      expect(await authenticator.authenticate(header), header?.slice(0, 20)).toEqual(unauthorized());
    expect(calls).toEqual(headers.map(() => 'get api_keys/hashes'));
    expect(hashed).toHaveLength(headers.length);
  });

  test('stop opening anything ten seconds after they were revoked, and when they expire, at once', async () => {
    const revoked = await createKey(ports, 'acme', fields({ name: 'a' }));
    const expiring = await createKey(ports, 'acme', fields({ name: 'b', expires_at: world.time.nowMs / 1000 + 5 }));
    const { authenticate } = createAuthenticator(ports);
    const opens = async (text: string) => 'tenant' in (await authenticate(bearer(text)));
    expect([await opens(revoked.text), await opens(expiring.text)]).toEqual([true, true]);
    await revokeKey(ports, 'acme', revoked.key.keyId);
    world.time.nowMs += 5_000;
    expect([await opens(revoked.text), await opens(expiring.text)]).toEqual([true, false]);
    world.time.nowMs += accountLimits.keyStaleMs - 5_000;
    expect(await opens(revoked.text)).toBe(false);
  });

  test('of a suspended tenant are told so, and work again afterwards', async () => {
    const { text } = await createKey(ports, 'acme', fields());
    const { authenticate } = createAuthenticator(ports);
    for (const suspended of [true, false]) {
      await updateTenant(ports, 'acme', { suspended });
      world.time.nowMs += accountLimits.keyStaleMs;
      expect('code' in (await authenticate(bearer(text)))).toBe(suspended);
    }
  });

  test('note their last use once an hour at most', async () => {
    const { text } = await createKey(ports, 'acme', fields());
    const start = world.time.nowMs;
    const { authenticate } = createAuthenticator(ports);
    const used = async () => (await listKeys(ports, 'acme'))[0]?.lastUsedAtMs;
    expect(await used()).toBeNull();
    for (const [afterMs, notedMs] of [
      [0, 0],
      [1_800_000, 0],
      [3_600_000, 3_600_000],
    ] as const) {
      world.time.nowMs = start + afterMs;
      await authenticate(bearer(text));
      expect(await used()).toBe(start + notedMs);
    }
  });

  test('of one purpose are two at most, however many are made at once', async () => {
    const made = await Promise.allSettled(Array.from({ length: 10 }, () => createKey(ports, 'acme', fields())));
    expect(made.filter(one => one.status === 'fulfilled')).toHaveLength(2);
    expect(made.find(one => one.status === 'rejected')).toMatchObject({
      reason: { code: 'invalid_request', problems: [{ path: 'name' }] },
    });
    expect(await listKeys(ports, 'acme')).toHaveLength(2);
    await revokeKey(ports, 'acme', (await listKeys(ports, 'acme'))[0]!.keyId);
    await createKey(ports, 'acme', fields());
  });

  test('rotate: both open for the time between, with the same rights and one budget', async () => {
    const old = await createKey(ports, 'acme', fields({ scopes: ['verify'], budget: { day: '5' } }));
    const next = await rotateKey(ports, 'acme', old.key.keyId, 1);
    expect(next.key).toMatchObject({
      scopes: ['verify'],
      budgetKey: old.key.keyId,
      rotatedFrom: old.key.keyId,
      budget: old.key.budget,
    });
    const { authenticate } = createAuthenticator(ports);
    const opens = async (text: string) => 'tenant' in (await authenticate(bearer(text)));
    expect([await opens(old.text), await opens(next.text)]).toEqual([true, true]);
    await expect(rotateKey(ports, 'acme', next.key.keyId, 1)).rejects.toThrow('live');
    world.time.nowMs += 3_600_000;
    expect([await opens(old.text), await opens(next.text)]).toEqual([false, true]);
    expect((await rotateKey(ports, 'acme', next.key.keyId, 0)).key.budgetKey).toBe(old.key.keyId);
  });

  test('rotate: what was to end at a time still does, however often it is rotated; what was not has no end', async () => {
    const untilMs = (Math.floor(world.time.nowMs / 1000) + 86_400) * 1000;
    const first = await createKey(ports, 'acme', fields({ expires_at: untilMs / 1000 }));
    const second = await rotateKey(ports, 'acme', first.key.keyId, 1);
    expect(second.key.expiresAtMs).toBe(untilMs);
    await revokeKey(ports, 'acme', second.key.keyId);
    // The first one ends in an hour, which is not what its maker said.
    expect((await rotateKey(ports, 'acme', first.key.keyId, 0)).key.expiresAtMs).toBe(untilMs);
    const open = await createKey(ports, 'bolt', fields());
    const next = await rotateKey(ports, 'bolt', open.key.keyId, 1);
    await revokeKey(ports, 'bolt', next.key.keyId);
    expect((await rotateKey(ports, 'bolt', open.key.keyId, 1)).key.expiresAtMs).toBeNull();
  });

  test('rotate: who lacks a scope of a key is not handed one in its place', async () => {
    const { key } = await createKey(ports, 'acme', fields({ scopes: ['verify', 'tenants:admin'] }));
    const rotated = rotateKey(ports, 'acme', key.keyId, 0, ['verify', 'keys:admin']);
    await expect(rotated).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('tenants:admin'),
    });
    expect((await listKeys(ports, 'acme')).map(({ keyId, expiresAtMs }) => [keyId, expiresAtMs])).toEqual([
      [key.keyId, null],
    ]);
  });

  test('of another tenant cannot be seen, rotated or revoked: their ids are unknown', async () => {
    await createTenant(ports, 'bolt', {});
    const { key } = await createKey(ports, 'acme', fields());
    expect(await listKeys(ports, 'bolt')).toEqual([]);
    for (const id of [key.keyId, 'key_0000000000000000', '../x'])
      for (const call of [() => revokeKey(ports, 'bolt', id), () => rotateKey(ports, 'bolt', id, 1)])
        await expect(call()).rejects.toMatchObject({ code: 'not_found', message: 'id: no key with this id.' });
  });

  test('half made by a process that died open nothing, hold their place for an hour and then make room', async () => {
    const dying = portsOn(dyingAt(world.kv, 2, 'before'));
    await expect(createKey(dying, 'acme', fields())).rejects.toThrow();
    await createKey(ports, 'acme', fields());
    await expect(createKey(ports, 'acme', fields())).rejects.toThrow('which is all there may be');
    world.time.nowMs += accountLimits.halfMadeKeyMs + 1;
    await createKey(ports, 'acme', fields());
  });

  test('long dead make room for others', async () => {
    for (let n = 0; n < accountLimits.maxKeys; n++) {
      const { key } = await createKey(ports, 'acme', fields());
      await revokeKey(ports, 'acme', key.keyId);
    }
    await expect(createKey(ports, 'acme', fields())).rejects.toThrow('all there may be');
    world.time.nowMs += (accountLimits.forgetKeysAfterDays + 1) * 86_400_000;
    await createKey(ports, 'acme', fields());
    expect(await listKeys(ports, 'acme')).toHaveLength(1);
  });

  test('open nothing while the store is out, which is no wrong key', async () => {
    const out = { ...world.kv, get: () => Promise.reject(new Error('out')) };
    await expect(createAuthenticator(portsOn(out)).authenticate(bearer('x'))).rejects.toThrow('out');
  });
});

describe('what is asked of a key', () => {
  test('names the scope that is missing', () => {
    expect(checkScope(['videos:read'], 'videos:read')).toBeUndefined();
    expect(checkScope(['videos:read'], 'videos:write')).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('"videos:write"'),
    });
    expect(localPrincipal().scopes).toEqual(scopes);
  });

  test('that is wrong is told all at once, and no scope is given away that its maker lacks', () => {
    const wrong = { name: '', scopes: ['videos:read', 'x'], expires_at: 5, budget: { day: 'x' }, extra: 1 };
    expect(() => parseKeyFields(wrong, world.time.nowMs)).toThrow(
      expect.objectContaining({
        problems: ['extra', 'name', 'scopes', 'budget.day', 'expires_at'].map(path =>
          expect.objectContaining({ path }),
        ),
      }),
    );
    expect(() => parseKeyFields({ name: 'x', scopes: ['tenants:admin'] }, 0, ['keys:admin'])).toThrow(
      'only scopes that it has',
    );
    expect(() => parseKeyFields({ name: 'x\u202e' }, 0)).toThrow('name:');
    expect(parseKeepOldHours(undefined)).toBe(24);
    expect(() => parseKeepOldHours({ keep_old_hours: 721 })).toThrow('keep_old_hours');
  });
});

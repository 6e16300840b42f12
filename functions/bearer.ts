import { createHash, timingSafeEqual } from 'node:crypto';
import { inspectKey } from '#core/accounts/api-key.ts';
import { ReelayError } from '#core/errors.ts';
import type { Door } from './authenticate.ts';

const HASH = /^[0-9a-f]{64}$/;
/** Those of key ids. */
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The keys of an operator, which are known by their SHA-256 in hex, comma-separated; what is no such hash lets nobody in. Every hash is
 * compared, in constant time: how long an answer takes tells neither how much of a key was right nor which one. A key that is right comes
 * back as its id: the one in it, or for one of another form one that follows from its hash.
 */
export function bearerOf(keySha256s: string | undefined): Door['operatorKey'] {
  const known = (keySha256s ?? '').split(',').filter(text => HASH.test(text.trim()));
  const hashes = known.map(text => Buffer.from(text.trim(), 'hex'));
  return authorization => {
    const key = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return undefined;
    const given = createHash('sha256').update(key).digest();
    let same = false;
    for (const hash of hashes) same = timingSafeEqual(given, hash) || same;
    return same ? idOf(key, given) : undefined;
  };
}

function idOf(key: string, hash: Uint8Array): string {
  const inspected = inspectKey(key);
  if (inspected.is === 'key') return inspected.keyId;
  return `key_${Array.from(hash.subarray(0, 16), byte => LETTERS[byte & 31]).join('')}`;
}

/** The hashes of a setting, comma-separated as `bearerOf` takes them; throws a sentence that names the setting, never what it holds. */
export function keyHashesFrom(texts: readonly string[], setting: string): string {
  const hashes = texts.map(text => text.trim()).filter(text => text !== '');
  const wrong = hashes.findIndex(hash => !HASH.test(hash));
  if (wrong !== -1)
    throw new ReelayError(
      'invalid_request',
      `${setting}: entry ${wrong + 1} is no SHA-256; 64 digits and letters a to f are allowed, as \`reelay key\` prints them beside a key (the hash, not the key).`,
    );
  return hashes.join(',');
}

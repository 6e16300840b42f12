import { createHash, timingSafeEqual } from 'node:crypto';
import { ReelayError } from '#core/errors.ts';
import type { Deps } from './deps.ts';

const HASH = /^[0-9a-f]{64}$/;

/**
 * Lets in who sends one of the keys as `Authorization: Bearer <key>`, as `tenant`; anyone else is undefined. Keys are known by their
 * SHA-256 in hex, comma-separated; what is no such hash lets nobody in. Every hash is compared, in constant time: how long an answer
 * takes tells neither how much of a key was right nor which one.
 */
export function bearerOf(keySha256s: string | undefined, tenant = 'default'): Deps['authenticate'] {
  const known = (keySha256s ?? '').split(',').filter(text => HASH.test(text.trim()));
  const hashes = known.map(text => Buffer.from(text.trim(), 'hex'));
  return authorization => {
    const key = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (key === undefined) return undefined;
    const given = createHash('sha256').update(key).digest();
    let same = false;
    for (const hash of hashes) same = timingSafeEqual(given, hash) || same;
    return same ? tenant : undefined;
  };
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

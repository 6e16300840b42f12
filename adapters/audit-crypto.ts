/** @file Hashes, pseudonyms and sealing of the audit ledger, by node:crypto. */
import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Cipher, TenantKeys } from '#core/audit/cipher.ts';
import type { Hmac } from '#core/audit/pseudonym.ts';
import { ReelayError } from '#core/errors.ts';

/** SHA-256 of a text's UTF-8 bytes, lower-case hex. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** The pseudonyms of an installation. `key`: its own 32 random bytes, which no other has. */
export function pseudonymHmac(key: Uint8Array): Hmac {
  return text => createHmac('sha256', key).update(text, 'utf8').digest('hex');
}

/** The same by a key of 64 characters of hex, as a file or a setting has it. */
export function pseudonymHmacOf(keyHex: string): Hmac {
  return pseudonymHmac(Buffer.from(keyHex, 'hex'));
}

/** The key of the pseudonyms as a setting or a file has it. Throws `invalid_request` with a sentence that holds nothing of it. */
export function readPseudonymKey(text: string, where: string): string {
  const key = text.trim();
  if (/^[0-9a-f]{64}$/.test(key)) return key;
  throw new ReelayError(
    'invalid_request',
    `${where}: it is not a key of pseudonyms; 64 characters of 0-9 and a-f are allowed, as \`openssl rand -hex 32\` prints them.`,
  );
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM (NIST SP 800-38D): 12 random bytes of nonce, the ciphertext, 16 bytes of tag. */
export const aesGcm: Cipher = {
  newKey: () => randomBytes(32),
  seal(key, context, plain) {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context, 'utf8'));
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  },
  open(key, context, sealed) {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const end = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(context, 'utf8'))
      .setAuthTag(sealed.subarray(end));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
    } catch {
      return undefined; // the tag says no; the cause would add nothing
    }
  },
  toText: bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url'),
  fromText: text => Buffer.from(text, 'base64url'),
  encode: text => Buffer.from(text, 'utf8'),
  decode: bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'),
};

/**
 * Tenants' keys of an installation on its own machine: each by HKDF (RFC 5869) from `master`, 32 random bytes that lie outside the stores.
 * Where there is a KMS, a tenant's key is one of its keys, and the context goes along as its encryption context.
 */
export function derivedTenantKeys(master: Uint8Array): TenantKeys {
  const keyOf = (tenant: string) =>
    new Uint8Array(hkdfSync('sha256', master, '', Buffer.from(`reelay-tenant-key-v1\n${tenant}`, 'utf8'), 32));
  return {
    wrap: async (tenant, context, key) => aesGcm.seal(keyOf(tenant), context, key),
    async unwrap(tenant, context, wrapped) {
      const key = aesGcm.open(keyOf(tenant), context, wrapped);
      if (key !== undefined) return key;
      throw new ReelayError('internal', 'A sealed key does not open with the key of its tenant.', { retryable: false });
    },
  };
}

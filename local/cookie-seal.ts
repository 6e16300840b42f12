import { createCipheriv, createDecipheriv } from 'node:crypto';

/** What a cookie stands for: the header that it was traded for, null for none where none is needed, until a time. */
export interface Sealed {
  readonly authorization: string | null;
  readonly expiresAtMs: number;
}

/** Makes and reads cookies. */
export interface CookieSeal {
  readonly seal: (sealed: Sealed) => string;
  /** undefined for one that is not ours, was changed, or is over. */
  readonly open: (value: string) => Sealed | undefined;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Cookies as `<expiresAtMs>.<nonce, ciphertext and tag in base64url>`, under a key that lives as long as this process and is nowhere else:
 * whose cookie it is cannot be read from it nor changed in it. AES-256-GCM (NIST SP 800-38D) with a random nonce, good for 2^32 cookies.
 */
export function createCookieSeal(ports: {
  readonly now: () => number;
  readonly random: (n: number) => Uint8Array;
}): CookieSeal {
  const secret = ports.random(32);
  return {
    seal: ({ authorization, expiresAtMs }) => {
      const nonce = ports.random(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, secret, nonce).setAAD(Buffer.from(String(expiresAtMs)));
      const text = Buffer.concat([cipher.update(JSON.stringify(authorization)), cipher.final()]);
      return `${expiresAtMs}.${Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')}`;
    },
    open: value => {
      const [until = '', rest = ''] = value.split('.');
      const bytes = Buffer.from(rest, 'base64url');
      // A text that decodes to the same bytes is another text.
      if (bytes.toString('base64url') !== rest || bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
      if (!(Number(until) > ports.now())) return undefined;
      const decipher = createDecipheriv(CIPHER, secret, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(until)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        return { authorization: JSON.parse(text.toString('utf8')) as string | null, expiresAtMs: Number(until) };
      } catch {
        return undefined; // of another process, or changed
      }
    },
  };
}

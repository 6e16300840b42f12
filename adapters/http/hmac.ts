import { createHmac } from 'node:crypto';

/** HMAC-SHA256 of a text's UTF-8 bytes in base64; the key is base64 too. */
export function hmacSha256(keyBase64: string, text: string): string {
  return createHmac('sha256', Buffer.from(keyBase64, 'base64')).update(text, 'utf8').digest('base64');
}

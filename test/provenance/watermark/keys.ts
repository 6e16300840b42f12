import { createHmac } from 'node:crypto';
import { deriveKeyStream, type KeyStream, type Mac } from '#gpu-container/provenance/watermark/key-stream.ts';

/** HMAC-SHA256 under a key, as the watermark asks for it. */
export function macOf(key: string | Uint8Array): Mac {
  return message => createHmac('sha256', key).update(message).digest();
}

export const TEST_MAC: Mac = macOf('a key for tests only, of no other use');
export const TEST_KEYS: KeyStream = deriveKeyStream(TEST_MAC);

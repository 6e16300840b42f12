/** Signing as Standard Webhooks 1.0.0 has it: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md. */
import type { WebhookPorts } from './ports.ts';
import { webhookLimits } from './webhook-limits.ts';

/** What a receiver's deliveries are signed with: the secret, and for a while after a rotation the one before. */
export interface SigningSecrets {
  /** `whsec_` and the base64 of 32 bytes. */
  readonly current: string;
  readonly old: { readonly secret: string; readonly untilMs: number } | null;
}

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** A fresh secret alone. */
export function newSecrets(random: WebhookPorts['random']): SigningSecrets {
  return { current: PREFIX + toBase64(random(SECRET_BYTES)), old: null };
}

/** A fresh secret; the one before goes on signing for webhookLimits.oldSecretHours, or stops at once. */
export function rotated(
  secrets: SigningSecrets,
  ports: Pick<WebhookPorts, 'random' | 'now'>,
  keepOld: boolean,
): SigningSecrets {
  const untilMs = ports.now() + webhookLimits.oldSecretHours * 3_600_000;
  return { ...newSecrets(ports.random), old: keepOld ? { secret: secrets.current, untilMs } : null };
}

/** Enough to tell two secrets apart, too little to use one. */
export function secretHint(secrets: SigningSecrets): string {
  return `${PREFIX}…${secrets.current.replace(/=+$/, '').slice(-4)}`;
}

/** The headers of one try. The id is the same in every try of an event; time and signature are not. */
export function signedHeaders(
  ports: Pick<WebhookPorts, 'hmacSha256' | 'now'>,
  secrets: SigningSecrets,
  message: { id: string; body: string },
): Record<string, string> {
  const nowMs = ports.now();
  const timestamp = String(Math.floor(nowMs / 1000));
  const signed = `${message.id}.${timestamp}.${message.body}`;
  const active = [secrets.current];
  if (secrets.old !== null && secrets.old.untilMs > nowMs) active.push(secrets.old.secret);
  return {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': active.map(secret => `v1,${ports.hmacSha256(secret.slice(PREFIX.length), signed)}`).join(' '),
  };
}

/** RFC 4648, section 4; here because core has no platform to ask. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const bits = (a << 16) | (b << 8) | c;
    for (const shift of [18, 12, 6, 0]) text += BASE64[(bits >> shift) & 63];
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - missing) + '='.repeat(missing);
}

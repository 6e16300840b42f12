import { createHash, randomBytes } from 'node:crypto';
import type { KeyValueStore } from '#core/ports.ts';
import type { AllowList } from '#core/webhooks/allow-list.ts';
import type { WebhookPorts } from '#core/webhooks/ports.ts';
import { hmacSha256 } from './hmac.ts';
import { createWebhookSender } from './webhook-sender.ts';

/** Webhooks over the machine's network and random source. `allow`: internal receivers that the operator lets through. */
export function createWebhookPorts(options: {
  readonly kv: KeyValueStore;
  readonly allow: AllowList;
  readonly now: () => number;
}): WebhookPorts {
  const { kv, allow, now } = options;
  return {
    kv,
    now,
    random: randomBytes,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    hmacSha256,
    allow,
    sender: createWebhookSender({ allow }),
  };
}

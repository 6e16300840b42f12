import { createHash, randomBytes } from 'node:crypto';
import { hmacSha256 } from '#adapters/http/hmac.ts';
import { type CloudEvent, jobEndEvent } from '#core/events.ts';
import { newJobId } from '#core/job-id.ts';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';
import { nothingAllowed } from '#core/webhooks/allow-list.ts';
import { deliverDue } from '#core/webhooks/deliver.ts';
import { deliveryOf, type WebhookDelivery } from '#core/webhooks/delivery.ts';
import { LANE_KIND } from '#core/webhooks/lane.ts';
import type { DispatchPorts, SendResult, WebhookNotice, WebhookRequest } from '#core/webhooks/ports.ts';
import type { WebhookTiming } from '#core/webhooks/webhook-limits.ts';
import { createMemoryKeyValueStore, type MemoryKeyValueStore } from '#test/simulation/memory-key-value-store.ts';

export interface Sent extends WebhookRequest {
  readonly atMs: number;
}

/** Webhooks on a clock of their own, with receivers that answer as they are told. */
export interface World {
  readonly ports: DispatchPorts;
  readonly memory: MemoryKeyValueStore;
  readonly clock: { ms: number };
  readonly sent: Sent[];
  readonly notices: WebhookNotice[];
  /** What receivers answer; 200 until set. */
  answer: (request: WebhookRequest) => SendResult | Promise<SendResult>;
  event(status?: 'completed' | 'failed' | 'cancelled', tenant?: string): CloudEvent;
  deliveries(): readonly (WebhookDelivery & { readonly entry: KeyValueEntry })[];
  /** Delivers what is due and jumps to what is due next, until nothing is, or for so long. */
  settle(forMs?: number): Promise<void>;
}

export interface WorldOptions {
  /** Wraps the store that the ports see. */
  readonly wrap?: (kv: MemoryKeyValueStore, clock: { ms: number }) => KeyValueStore;
  readonly timing?: WebhookTiming;
  /** Runs on the real clock. */
  readonly real?: boolean;
}

export const status = (code: number, ms = 1): SendResult => ({ status: code, ms });

export function createWorld(options: WorldOptions = {}): World {
  const memory = createMemoryKeyValueStore();
  const clock = { ms: Date.parse('2026-01-05T10:00:00.000Z') };
  const now = options.real === true ? () => Date.now() : () => clock.ms;
  const sent: Sent[] = [];
  const notices: WebhookNotice[] = [];
  const ports: DispatchPorts = {
    kv: options.wrap?.(memory, clock) ?? memory,
    now,
    random: randomBytes,
    sha256: text => createHash('sha256').update(text).digest('hex'),
    hmacSha256,
    allow: nothingAllowed,
    sender: {
      send: async request => {
        sent.push({ ...request, atMs: now() });
        return world.answer(request);
      },
    },
    announce: async notice => void notices.push(notice),
    sleep: ms => new Promise(done => setTimeout(done, ms)),
    log: () => undefined,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  };
  const world: World = {
    ports,
    memory,
    clock,
    sent,
    notices,
    answer: () => status(200),
    event: (ending = 'completed', tenant = 'acme') => endEvent(ending, tenant, now()),
    deliveries: () =>
      memory
        .entries()
        .filter(entry => entry.space.startsWith('webhook_deliveries.'))
        .map(entry => ({ ...deliveryOf(entry), entry })),
    settle: async (forMs = 60 * 86_400_000) => {
      const endMs = clock.ms + forMs;
      for (let rounds = 0; rounds < 10_000; rounds++) {
        await deliverDue(ports, 1_000).catch(() => undefined);
        const [next] = await memory.listDue(LANE_KIND, Number.MAX_SAFE_INTEGER, 1);
        if (next === undefined || (next.dueAtMs ?? 0) > endMs) return;
        clock.ms = Math.max(clock.ms, next.dueAtMs ?? 0);
      }
      throw new Error('it never settles');
    },
  };
  return world;
}

function endEvent(ending: 'completed' | 'failed' | 'cancelled', tenant: string, nowMs: number): CloudEvent {
  const id = newJobId(nowMs, randomBytes(10));
  return jobEndEvent(
    { id, tenant, model: 'reelay-mini', status: ending, attempt: 1, error: null, sha256: null },
    nowMs,
  );
}

/** What webhooks need from outside. */
import type { KeyValueStore } from '../ports.ts';
import type { AllowList } from './allow-list.ts';
import type { WebhookTiming } from './webhook-limits.ts';

/**
 * Sends one signed request to a receiver: POST, no redirects, to addresses that `mayReach` lets through and to no others. What a
 * receiver does or fails to do is a result; only a mistake of ours is thrown.
 */
export interface WebhookSender {
  send(request: WebhookRequest): Promise<SendResult>;
}

/** A POST of JSON. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
}

/** The status the receiver answered with, or why there is none; and how long that took. */
export type SendResult =
  | { readonly status: number; readonly ms: number }
  | { readonly failure: SendFailure; readonly ms: number };

/**
 * Why there is no status: the URL is not allowed (any more), its name has no address, the address is not allowed, no connection, no
 * trustworthy certificate, an answer that is not HTTP or ends early, or all of it took too long.
 */
export type SendFailure =
  | 'url_refused'
  | 'name_not_found'
  | 'address_refused'
  | 'connection_failed'
  | 'certificate_refused'
  | 'bad_answer'
  | 'timed_out';

/** What endpoints, their secrets and new deliveries need. */
export interface WebhookPorts {
  readonly kv: KeyValueStore;
  readonly now: () => number;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
  /** Lower-case hex of a text's UTF-8 bytes. */
  readonly sha256: (text: string) => string;
  /** HMAC-SHA256 of a text's UTF-8 bytes in base64; the key is base64 too. */
  readonly hmacSha256: (keyBase64: string, text: string) => string;
  /** Internal receivers that the operator lets through. */
  readonly allow: AllowList;
  readonly sender: WebhookSender;
  /** webhookTiming unless a harness says otherwise. */
  readonly timing?: WebhookTiming;
}

/** What delivering needs beside that. */
export interface DispatchPorts extends WebhookPorts {
  /** Tells the operator's event bus; durable when it resolves, and told again with the same id after a crash. */
  readonly announce: (notice: WebhookNotice) => Promise<void>;
  /** Resolves after so long, or early when the process is told to stop. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Ids, codes and counts only: a URL may hold a token. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/** A CloudEvent about the webhooks themselves. */
export interface WebhookNotice {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: 'reelay/webhooks';
  readonly type: 'webhook.delivery_dead' | 'webhook.endpoint_disabled';
  /** The delivery's or the endpoint's id. */
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: {
    readonly tenant: string;
    readonly endpoint: string | null;
    readonly delivery: string;
    readonly event: string;
    readonly reason: string;
  };
}

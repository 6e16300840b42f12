import { invalidRequest, type Problem, ReelayError } from '../errors.ts';
import { type WebhookEventType, webhookEventTypes } from '../events.ts';
import { newJobId } from '../job-id.ts';
import type { KeyValueEntry } from '../ports.ts';
import type { WebhookPorts } from './ports.ts';
import { newSecrets, type SigningSecrets } from './secret.ts';
import { webhookLimits } from './webhook-limits.ts';
import { checkWebhookUrl } from './webhook-url.ts';

/** A receiver that a tenant named, told of the events it asked for until it is disabled. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly WebhookEventType[];
  readonly secrets: SigningSecrets;
  readonly createdAtMs: number;
  /** Of the last change of what its owner sets. */
  readonly updatedAtMs: number;
  /** null while it is told of events. `delivery`: the one that brought it down. */
  readonly disabled: {
    readonly reason: DisabledReason;
    readonly atMs: number;
    readonly delivery: string | null;
  } | null;
  /** Deliveries that died since the last one that got through. */
  readonly deadInRow: number;
}

/** It answered 410, its deliveries kept dying, or its owner said so. */
export type DisabledReason = 'gone' | 'failing' | 'by_owner';

/** What the owner of an endpoint sets. */
export interface EndpointFields {
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly WebhookEventType[];
  /** Ours; OpenAI's endpoints cannot be switched. */
  readonly enabled: boolean;
}

/** The space of a tenant's endpoints; the names are their ids. */
export function endpointSpace(tenant: string): string {
  return `webhook_endpoints/${tenant}`;
}

/** A wire id that could be ours. Ids sort by creation. */
export function isEndpointId(text: string): boolean {
  return /^whe_[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

/** The one answer for unknown, deleted and other tenants' ids. */
export function noSuchEndpoint(): ReelayError {
  return new ReelayError('not_found', 'id: no webhook endpoint with this id; it may have been deleted.');
}

/** An enabled endpoint with a secret of its own. */
export function newEndpoint(ports: WebhookPorts, fields: EndpointFields): WebhookEndpoint {
  const nowMs = ports.now();
  return {
    id: `whe_${newJobId(nowMs, ports.random(10)).slice('video_'.length)}`,
    name: fields.name,
    url: fields.url,
    eventTypes: fields.eventTypes,
    secrets: newSecrets(ports.random),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    disabled: fields.enabled ? null : { reason: 'by_owner', atMs: nowMs, delivery: null },
    deadInRow: 0,
  };
}

/** The endpoint of a stored entry. */
export function endpointOf(entry: KeyValueEntry): WebhookEndpoint {
  return entry.value as WebhookEndpoint;
}

const KNOWN = ['name', 'url', 'event_types', 'enabled'];

/**
 * The body of a create, which needs name, url and event_types, or of an update, which needs none. Throws `invalid_request` with every
 * problem: unknown fields and event types are refused, never dropped.
 */
export function parseEndpointFields(
  input: unknown,
  allow: WebhookPorts['allow'],
  all: boolean,
): Partial<EndpointFields> {
  if (input === null || typeof input !== 'object' || Array.isArray(input))
    throw invalidRequest([{ path: 'body', message: 'body: an object with name, url and event_types is expected.' }]);
  const record = input as Record<string, unknown>;
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  for (const key of Object.keys(record).filter(name => !KNOWN.includes(name)))
    complain(key.slice(0, 64), `unknown field; known fields: ${KNOWN.join(', ')}.`);
  const { name, url, event_types: types, enabled } = record;
  const wants = (value: unknown) => all || value !== undefined;
  if (wants(name) && !isName(name))
    complain('name', `a text of 1 to ${webhookLimits.maxNameChars} characters is needed.`);
  const badUrl = typeof url === 'string' ? checkWebhookUrl(url, allow) : 'a text is needed.';
  if (wants(url) && badUrl !== undefined) complain('url', badUrl);
  if (wants(types) && !isTypeList(types))
    complain('event_types', `a list of one or more of ${webhookEventTypes.join(', ')}, each once, is needed.`);
  if (enabled !== undefined && typeof enabled !== 'boolean') complain('enabled', 'true or false is needed.');
  if (problems.length > 0) throw invalidRequest(problems);
  return {
    ...(name === undefined ? {} : { name: name as string }),
    ...(url === undefined ? {} : { url: url as string }),
    ...(types === undefined ? {} : { eventTypes: types as WebhookEventType[] }),
    ...(enabled === undefined ? {} : { enabled: enabled as boolean }),
  };
}

/** An event type that endpoints can ask for. Throws `invalid_request` naming the field. */
export function parseEventType(value: unknown): WebhookEventType {
  const type = webhookEventTypes.find(known => known === value);
  if (type !== undefined) return type;
  const message = `event_type: ${webhookEventTypes.join(', ')} are allowed.`;
  throw invalidRequest([{ path: 'event_type', message }]);
}

function isName(value: unknown): boolean {
  // Names are shown in terminals: no control or formatting characters.
  if (typeof value !== 'string' || /[\p{Cc}\p{Cf}]/u.test(value)) return false;
  return value.trim() !== '' && value.length <= webhookLimits.maxNameChars;
}

function isTypeList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every(type => (webhookEventTypes as readonly unknown[]).includes(type))
  );
}

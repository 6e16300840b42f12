/** The verbs on a tenant's endpoints. */
import { invalidRequest } from '../errors.ts';
import { newJobId } from '../job-id.ts';
import {
  type EndpointFields,
  endpointOf,
  endpointSpace,
  isEndpointId,
  newEndpoint,
  noSuchEndpoint,
  parseEndpointFields,
  parseEventType,
  type WebhookEndpoint,
} from './endpoint.ts';
import type { WebhookPorts } from './ports.ts';
import { rotated, signedHeaders } from './secret.ts';
import { webhookLimits, webhookTiming } from './webhook-limits.ts';

/** Makes an endpoint; only now, and after a rotation, its secret is shown. Throws `invalid_request`. */
export async function createEndpoint(ports: WebhookPorts, tenant: string, input: unknown): Promise<WebhookEndpoint> {
  const fields = { enabled: true, ...parseEndpointFields(input, ports.allow, true) } as EndpointFields;
  // Two at once may both be the last: the limit guards the fan-out, and one more does it no harm.
  const there = await readEndpoints(ports, tenant);
  if (there.length >= webhookLimits.maxEndpoints)
    throw invalidRequest([
      {
        path: 'url',
        message: `url: there are ${there.length} webhook endpoints, which is all there may be; delete one first.`,
      },
    ]);
  const endpoint = newEndpoint(ports, fields);
  const entry = { space: endpointSpace(tenant), name: endpoint.id, expiresAtMs: null, dueAtMs: null };
  await ports.kv.create({ ...entry, value: endpoint });
  return endpoint;
}

/** Throws `not_found` for unknown, deleted and other tenants' ids alike. */
export async function readEndpoint(ports: WebhookPorts, tenant: string, id: string): Promise<WebhookEndpoint> {
  if (!isEndpointId(id)) throw noSuchEndpoint();
  const entry = await ports.kv.get(endpointSpace(tenant), id);
  if (entry === undefined) throw noSuchEndpoint();
  return endpointOf(entry);
}

/** All of a tenant's endpoints, newest first. */
export async function readEndpoints(
  ports: Pick<WebhookPorts, 'kv'>,
  tenant: string,
): Promise<readonly WebhookEndpoint[]> {
  // Twice the limit: creates that raced each other may have gone past it.
  const entries = await ports.kv.list(endpointSpace(tenant), { limit: 2 * webhookLimits.maxEndpoints });
  return entries.map(endpointOf).reverse();
}

/**
 * Sets what the input names. A disabled endpoint starts again with `enabled: true`, or with a new URL, which is a new receiver.
 * Throws `not_found`, `invalid_request`.
 */
export async function updateEndpoint(
  ports: WebhookPorts,
  tenant: string,
  id: string,
  input: unknown,
): Promise<WebhookEndpoint> {
  const fields = parseEndpointFields(input, ports.allow, false);
  return changeEndpoint(ports, tenant, id, endpoint => {
    const { enabled, ...texts } = fields;
    const next = { ...endpoint, ...texts };
    const starts = enabled ?? (next.url !== endpoint.url || endpoint.disabled === null);
    const nowMs = ports.now();
    const stopped = endpoint.disabled ?? { reason: 'by_owner' as const, atMs: nowMs, delivery: null };
    const afresh = starts && (endpoint.disabled !== null || next.url !== endpoint.url);
    const changed = { ...next, disabled: starts ? null : stopped, deadInRow: afresh ? 0 : endpoint.deadInRow };
    return JSON.stringify(changed) === JSON.stringify(endpoint) ? endpoint : { ...changed, updatedAtMs: nowMs };
  });
}

/** What still waits to be delivered there ends as dead. Throws `not_found`. */
export async function deleteEndpoint(ports: WebhookPorts, tenant: string, id: string): Promise<void> {
  await readEndpoint(ports, tenant, id);
  await ports.kv.remove(endpointSpace(tenant), id);
}

/** A new secret; with `keep_old_secret_active_for_24_hours` both sign that long. Throws `not_found`, `invalid_request`. */
export async function rotateEndpointSecret(
  ports: WebhookPorts,
  tenant: string,
  id: string,
  input: unknown,
): Promise<WebhookEndpoint> {
  const keepOld = parseKeepOld(input);
  return changeEndpoint(ports, tenant, id, endpoint => ({
    ...endpoint,
    secrets: rotated(endpoint.secrets, ports, keepOld),
    updatedAtMs: ports.now(),
  }));
}

/**
 * Sends a made-up event of the type now, once and past the log. Returns the status; throws `invalid_request` when there is none, and
 * `not_found`.
 */
export async function testEndpoint(
  ports: WebhookPorts,
  tenant: string,
  id: string,
  input: unknown,
): Promise<{ eventType: string; status: number }> {
  const type = parseEventType((input as { event_type?: unknown } | null)?.event_type);
  const endpoint = await readEndpoint(ports, tenant, id);
  const eventId = `evt_test_${newJobId(ports.now(), ports.random(10)).slice('video_'.length)}`;
  const created_at = Math.floor(ports.now() / 1000);
  const body = JSON.stringify({ id: eventId, object: 'event', created_at, type, data: { id: 'video_test' } });
  const headers = signedHeaders(ports, endpoint.secrets, { id: eventId, body });
  const { timeoutMs } = ports.timing ?? webhookTiming;
  const result = await ports.sender.send({ url: endpoint.url, headers, body, timeoutMs });
  if ('status' in result) return { eventType: type, status: result.status };
  const message = `url: the endpoint gave no status (${result.failure}, after ${Math.round(result.ms)} ms).`;
  throw invalidRequest([{ path: 'url', message }]);
}

/** Applies a change to what is stored, again if someone else was faster. Throws `not_found`. */
export async function changeEndpoint(
  ports: Pick<WebhookPorts, 'kv'>,
  tenant: string,
  id: string,
  change: (endpoint: WebhookEndpoint) => WebhookEndpoint,
): Promise<WebhookEndpoint> {
  if (!isEndpointId(id)) throw noSuchEndpoint();
  for (;;) {
    const entry = await ports.kv.get(endpointSpace(tenant), id);
    if (entry === undefined) throw noSuchEndpoint();
    const before = endpointOf(entry);
    const after = change(before);
    if (after === before || (await ports.kv.replace({ ...entry, value: after })) !== undefined) return after;
  }
}

/** Throws `invalid_request` for anything but the one field that a rotation takes. */
export function parseKeepOld(input: unknown): boolean {
  const field = 'keep_old_secret_active_for_24_hours';
  const record = (input ?? {}) as Record<string, unknown>;
  const known = typeof record === 'object' && Object.keys(record).every(key => key === field);
  const keep = record[field] ?? false;
  if (known && typeof keep === 'boolean') return keep;
  throw invalidRequest([{ path: field, message: `${field}: true or false is allowed, and no other field.` }]);
}

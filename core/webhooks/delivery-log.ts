/** What became of deliveries, and sending them again by hand. */
import { invalidRequest } from '../errors.ts';
import type { KeyValueEntry } from '../ports.ts';
import {
  deliveryId,
  deliveryKey,
  deliveryOf,
  deliverySpace,
  noSuchDelivery,
  type WebhookDelivery,
} from './delivery.ts';
import { endpointSpace } from './endpoint.ts';
import { readEndpoint } from './endpoints.ts';
import { LANE_KIND, wakeLane } from './lane.ts';
import type { WebhookPorts } from './ports.ts';

/** A delivery with what its entry says: the id, and when it is tried next. */
export interface LoggedDelivery extends WebhookDelivery {
  readonly id: string;
  readonly nextTryAtMs: number | null;
}

/** A page of deliveries, newest event first. */
export interface DeliveryPage {
  readonly deliveries: readonly LoggedDelivery[];
  readonly hasMore: boolean;
}

/** Deliveries of one endpoint, after the delivery with the id `after`. Throws `not_found`. */
export async function listDeliveries(
  ports: WebhookPorts,
  tenant: string,
  endpoint: string,
  query: { readonly limit: number; readonly after?: string },
): Promise<DeliveryPage> {
  await readEndpoint(ports, tenant, endpoint);
  return listLane(ports, tenant, endpoint, query);
}

/** The same for the URLs that jobs brought along, over all hosts; the newest `limit`. */
export async function listUrlDeliveries(
  ports: WebhookPorts,
  tenant: string,
  limit: number,
): Promise<readonly LoggedDelivery[]> {
  const found: LoggedDelivery[] = [];
  for (let after: string | undefined = 'url_'; after !== undefined; ) {
    const lanes: readonly KeyValueEntry[] = await ports.kv.list(`${LANE_KIND}/${tenant}`, { limit: LANE_PAGE, after });
    const ours = lanes.filter(entry => entry.name.startsWith('url_'));
    for (const lane of ours) found.push(...(await listLane(ports, tenant, lane.name, { limit })).deliveries);
    after = ours.length === LANE_PAGE ? ours.at(-1)?.name : undefined;
  }
  return found.sort((a, b) => b.createdAtMs - a.createdAtMs).slice(0, limit);
}

const LANE_PAGE = 100;

async function listLane(
  ports: WebhookPorts,
  tenant: string,
  lane: string,
  query: { readonly limit: number; readonly after?: string },
): Promise<DeliveryPage> {
  const after = query.after === undefined ? undefined : deliveryKey(tenant, query.after);
  if (query.after !== undefined && after?.lane !== lane)
    throw invalidRequest([{ path: 'after', message: 'after: this is not the id of a delivery of this endpoint.' }]);
  const cursor = after === undefined ? {} : { after: after.name };
  const entries = await ports.kv.list(deliverySpace(tenant, lane), { limit: query.limit + 1, ...cursor });
  return { deliveries: entries.slice(0, query.limit).map(logged), hasMore: entries.length > query.limit };
}

/**
 * Makes a delivery due now, with all its tries before it again; its event id stays. Throws `not_found`, and `invalid_request` while
 * its endpoint is disabled or after it was deleted.
 */
export async function replayDelivery(ports: WebhookPorts, tenant: string, id: string): Promise<LoggedDelivery> {
  const key = deliveryKey(tenant, id);
  if (key === undefined) throw noSuchDelivery();
  for (;;) {
    const entry = await ports.kv.get(key.space, key.name);
    if (entry === undefined) throw noSuchDelivery();
    await checkReceiver(ports, tenant, deliveryOf(entry));
    const afresh = { state: 'pending', reason: null, tries: 0, triedSinceMs: null, endedAtMs: null } as const;
    const value: WebhookDelivery = { ...deliveryOf(entry), ...afresh };
    const replayed = await ports.kv.replace({ ...entry, value, dueAtMs: ports.now(), expiresAtMs: null });
    if (replayed === undefined) continue;
    await wakeLane(ports, tenant, key.lane);
    return logged(replayed);
  }
}

async function checkReceiver(ports: WebhookPorts, tenant: string, { target }: WebhookDelivery): Promise<void> {
  if (target.kind === 'url') return;
  const entry = await ports.kv.get(endpointSpace(tenant), target.endpoint);
  const said =
    entry === undefined
      ? 'its webhook endpoint was deleted.'
      : (entry.value as { disabled: unknown }).disabled === null
        ? undefined
        : 'its webhook endpoint is disabled; enable it first.';
  if (said !== undefined) throw invalidRequest([{ path: 'id', message: `id: ${said}` }]);
}

function logged(entry: KeyValueEntry): LoggedDelivery {
  const delivery = deliveryOf(entry);
  return { ...delivery, id: deliveryId(entry), nextTryAtMs: delivery.state === 'pending' ? entry.dueAtMs : null };
}

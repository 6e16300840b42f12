/** Consent records in the store. A record is sealed by the installation: one that anything else wrote there does not count. */
import { canonicalJson } from '../../placement/canonical-json.ts';
import type { KeyValueEntry } from '../../ports.ts';
import type { ConsentRecord } from '../content/consent.ts';
import { type Keyed, type KeyedPorts, keyedOf } from '../reviews/installation-key.ts';

/** A record, and whether its seal holds. */
export interface StoredConsent {
  readonly record: ConsentRecord;
  readonly proven: boolean;
}

interface Sealed {
  readonly record: ConsentRecord;
  readonly seal: string;
}

/** Where a tenant's records are kept, under their ids. */
export function consentSpace(tenant: string): string {
  return `policy_consents/${tenant}`;
}

/** A wire id that could be one of a consent record. */
export function isConsentId(text: string): boolean {
  return /^con_[0-9a-f]{32}$/.test(text);
}

/** A record with its seal, as it is stored. */
export function sealed(keyed: Keyed, record: ConsentRecord): Sealed {
  return { record, seal: keyed('consent', canonicalJson({ ...record })) };
}

/** The record of an entry. */
export function consentOf(keyed: Keyed, { value }: Pick<KeyValueEntry, 'value'>): StoredConsent {
  const { record, seal } = value as Sealed;
  return { record, proven: sealed(keyed, record).seal === seal };
}

/** The tenant's records of these ids; null for an id that it does not have. */
export async function readConsents(
  ports: KeyedPorts,
  tenant: string,
  ids: readonly string[],
): Promise<readonly (StoredConsent | null)[]> {
  if (ids.length === 0) return [];
  const keyed = await keyedOf(ports);
  const entries = await Promise.all(ids.map(id => ports.kv.get(consentSpace(tenant), id)));
  return entries.map(entry => (entry === undefined ? null : consentOf(keyed, entry)));
}

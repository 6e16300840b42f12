/** What S3 says in its events, and what it means. */

/** Where an event points: one version of one object. */
export interface ObjectPointer {
  readonly bucket: string;
  /** The key as it may be meant, likeliest first. */
  readonly keys: readonly string[];
  /** Without quotes; undefined when the event names none. */
  readonly etag?: string;
  readonly versionId?: string;
  readonly sequencer?: string;
}

/**
 * The keys that a key of an event may mean. Notifications carry it encoded like a form, `+` for a space, EventBridge as it is; which
 * of the two holds behind other senders is unsure, so the other reading is kept. Decoded once: `%2541` is the key `%41`.
 */
export function keysMeant(key: string, encoded: boolean): readonly string[] {
  const decoded = decodeForm(key);
  const both = encoded ? [decoded, key] : [key, decoded];
  return [...new Set(both.filter(one => one !== undefined))];
}

function decodeForm(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined; // a lone % is part of the name
  }
}

/**
 * Below 0 when `a` happened before `b`; only for events of the same key. Sequencers are hexadecimal of different lengths: the shorter
 * is filled with zeros on its right and then they compare as text (Amazon S3 user guide, "Event message structure").
 */
export function compareSequencers(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  const left = a.toUpperCase().padEnd(length, '0');
  const right = b.toUpperCase().padEnd(length, '0');
  return left < right ? -1 : left > right ? 1 : 0;
}

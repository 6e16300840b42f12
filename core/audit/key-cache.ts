import type { KeyValueEntry } from '../ports.ts';
import { sealLimits } from './seal-limits.ts';
import { type SealPorts, subjectKeyKind } from './subject-key.ts';

/**
 * The same ports with the keys of subjects kept for sealLimits.keyKeptMs, so that a job costs no look of its own at a key. An erasure
 * takes effect everywhere after that time. `now`: ms.
 */
export function keepKeys(ports: SealPorts, now: () => number): SealPorts {
  const entries = new Map<string, { readonly found: Promise<KeyValueEntry | undefined>; readonly atMs: number }>();
  const unwrapped = new Map<string, Promise<Uint8Array>>();
  const { kv, tenantKeys } = ports;
  const isKey = (space: string) => space.startsWith(`${subjectKeyKind}/`);

  function lookUp(space: string, name: string): Promise<KeyValueEntry | undefined> {
    const place = `${space}\n${name}`;
    const found = kv.get(space, name);
    put(entries, place, { found, atMs: now() });
    // What is not there may be made at any moment, and what failed says nothing.
    const drop = () => {
      if (entries.get(place)?.found === found) entries.delete(place);
    };
    found.then(entry => entry ?? drop(), drop);
    return found;
  }

  return {
    ...ports,
    kv: {
      ...kv,
      get(space, name) {
        if (!isKey(space)) return kv.get(space, name);
        const kept = entries.get(`${space}\n${name}`);
        // A clock that was set back makes nothing older than it is.
        const isFresh = kept !== undefined && Math.abs(now() - kept.atMs) < sealLimits.keyKeptMs;
        return isFresh ? kept.found : lookUp(space, name);
      },
    },
    tenantKeys: {
      wrap: tenantKeys.wrap,
      unwrap(tenant, context, wrapped) {
        const name = `${context}\n${ports.cipher.toText(wrapped)}`;
        const kept = unwrapped.get(name);
        if (kept !== undefined) return kept;
        const key = tenantKeys.unwrap(tenant, context, wrapped);
        put(unwrapped, name, key);
        key.catch(() => unwrapped.delete(name));
        return key;
      },
    },
  };
}

/** Of too many the one that came first goes. */
function put<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  for (const first of map.keys()) {
    if (map.size <= sealLimits.keysKept) return;
    map.delete(first);
  }
}

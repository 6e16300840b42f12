/** The verbs on a tenant's keys. A key's text comes back once, from `createKey` and `rotateKey`, and is stored nowhere. */
import { invalidRequest, ReelayError } from '../errors.ts';
import type { KeyValueEntry } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import { isKeyId, newKey } from './api-key.ts';
import type { KeyFields } from './key-input.ts';
import { isLive, type KeyPorts, type KeyRecord, keyListPlace, keySpace, type ListedKey } from './key-record.ts';
import { type Scope, scopes } from './scopes.ts';

/** A key that was just made: the only time that its text is there. */
export interface MadeKey {
  readonly key: KeyRecord;
  readonly text: string;
}

/** Makes a key. Throws `invalid_request` where its purpose has two live keys already, or the tenant all that it may have. */
export function createKey(ports: KeyPorts, tenant: string, fields: KeyFields): Promise<MadeKey> {
  return addKey(ports, tenant, { ...fields, rotatedFrom: null, budgetKey: null });
}

/**
 * Makes a key that takes the place of another: same name, scopes and end, and one budget, of which both spend together: nobody gets more
 * by it, nor for longer. The old one expires after `keepOldHours`. `may`: the scopes of whoever asks, who is not handed a key that opens more. Throws `not_found`, `forbidden`, and
 * `invalid_request` where two keys of that purpose are live already or the old one is dead.
 */
export async function rotateKey(
  ports: KeyPorts,
  tenant: string,
  keyId: string,
  keepOldHours: number,
  may: readonly Scope[] = scopes,
): Promise<MadeKey> {
  const { record: old } = await loadKey(ports, tenant, keyId);
  const nowMs = ports.now();
  if (!isLive(old, nowMs)) throw problem('id', 'this key is revoked or has expired; make a new one.');
  const lacking = old.scopes.find(scope => !may.includes(scope));
  if (lacking !== undefined)
    throw new ReelayError('forbidden', `id: this key has the scope "${lacking}", which the one that asks lacks.`);
  const { name, budget, budgetKey } = old;
  const fields = { name, scopes: old.scopes, budget, expiresAtMs: madeUntil(old) };
  const made = await addKey(ports, tenant, { ...fields, rotatedFrom: keyId, budgetKey });
  const endsAtMs = nowMs + keepOldHours * 3_600_000;
  await changeKey(ports, tenant, keyId, key =>
    key.expiresAtMs !== null && key.expiresAtMs <= endsAtMs
      ? key
      : { ...key, expiresAtMs: endsAtMs, madeUntilMs: madeUntil(key) },
  );
  return made;
}

/** When a key would have ended without a rotation. */
function madeUntil({ madeUntilMs, expiresAtMs }: KeyRecord): number | null {
  return madeUntilMs === undefined ? expiresAtMs : madeUntilMs;
}

/** Ends a key for good; again is fine. It opens nothing after accountLimits.keyStaleMs, wherever it was remembered. Throws `not_found`. */
export function revokeKey(ports: KeyPorts, tenant: string, keyId: string): Promise<KeyRecord> {
  const revokedAtMs = ports.now();
  return changeKey(ports, tenant, keyId, key => (key.revokedAtMs === null ? { ...key, revokedAtMs } : key));
}

/** A tenant's keys, newest first, dead ones too. */
export async function listKeys(ports: Pick<KeyPorts, 'kv'>, tenant: string): Promise<readonly KeyRecord[]> {
  const { listed } = await readList(ports, tenant);
  return (await loadAll(ports, listed)).flatMap(({ record }) => record ?? []).reverse();
}

async function addKey(
  ports: KeyPorts,
  tenant: string,
  fields: KeyFields & { readonly rotatedFrom: string | null; readonly budgetKey: string | null },
): Promise<MadeKey> {
  const { text, keyId } = newKey(ports.environment, ports.random);
  const hash = ports.sha256(text);
  for (let tries = 0; tries < 20; tries++) {
    const { entry, listed } = await readList(ports, tenant);
    const there = (await loadAll(ports, listed)).filter(found => !isForgotten(found, ports.now()));
    checkRoom(there, fields.name, ports.now());
    // Listed first: a key that opens something and is in no list could not be revoked.
    const value: readonly ListedKey[] = [
      ...there.map(({ listed: one }) => one),
      { keyId, hash, name: fields.name, listedAtMs: ports.now() },
    ];
    const next = { ...keyListPlace(tenant), value, expiresAtMs: null, dueAtMs: null };
    const isWritten =
      entry === undefined ? ports.kv.create(next) : ports.kv.replace({ ...next, version: entry.version });
    if ((await isWritten) === undefined) continue;
    const key: KeyRecord = {
      v: 1,
      keyId,
      tenant,
      ...fields,
      budgetKey: fields.budgetKey ?? keyId,
      createdAtMs: ports.now(),
      revokedAtMs: null,
      lastUsedAtMs: null,
    };
    await ports.kv.create({ space: keySpace, name: hash, value: key, expiresAtMs: null, dueAtMs: null });
    return { key, text };
  }
  throw new ReelayError('store_unavailable', "The tenant's keys are being changed by many at once; try again shortly.");
}

/** A slot without a record is a key half made: it counts as live, for its maker may be about to write it. */
function checkRoom(there: readonly Found[], name: string, nowMs: number): void {
  const live = there.filter(
    ({ listed, record }) => listed.name === name && (record === undefined || isLive(record, nowMs)),
  );
  if (live.length >= accountLimits.liveKeysPerPurpose) {
    const ids = live.map(({ listed }) => listed.keyId).join(' and ');
    throw problem(
      'name',
      `${live.length} keys of this name are live (${ids}), which is all there may be; revoke one first.`,
    );
  }
  if (there.length >= accountLimits.maxKeys)
    throw problem('name', `the tenant has ${there.length} keys, which is all there may be.`);
}

/** Dead for so long that it makes room for another, or never finished. */
function isForgotten({ listed, record }: Found, nowMs: number): boolean {
  if (record === undefined) return nowMs - listed.listedAtMs > accountLimits.halfMadeKeyMs;
  if (isLive(record, nowMs)) return false;
  const diedAtMs = Math.min(record.revokedAtMs ?? Infinity, record.expiresAtMs ?? Infinity);
  return nowMs - diedAtMs > accountLimits.forgetKeysAfterDays * 86_400_000;
}

interface Found {
  readonly listed: ListedKey;
  readonly entry: KeyValueEntry | undefined;
  readonly record: KeyRecord | undefined;
}

async function readList(ports: Pick<KeyPorts, 'kv'>, tenant: string) {
  const { space, name } = keyListPlace(tenant);
  const entry = await ports.kv.get(space, name);
  return { entry, listed: (entry?.value as readonly ListedKey[] | undefined) ?? [] };
}

function loadAll(ports: Pick<KeyPorts, 'kv'>, listed: readonly ListedKey[]): Promise<readonly Found[]> {
  return Promise.all(
    listed.map(async one => {
      const entry = await ports.kv.get(keySpace, one.hash);
      return { listed: one, entry, record: entry?.value as KeyRecord | undefined };
    }),
  );
}

async function loadKey(ports: Pick<KeyPorts, 'kv'>, tenant: string, keyId: string) {
  const listed = isKeyId(keyId) ? (await readList(ports, tenant)).listed.find(key => key.keyId === keyId) : undefined;
  const [found] = listed === undefined ? [] : await loadAll(ports, [listed]);
  if (found?.entry === undefined || found.record === undefined || found.record.tenant !== tenant) throw noSuchKey();
  return { entry: found.entry, record: found.record };
}

async function changeKey(
  ports: KeyPorts,
  tenant: string,
  keyId: string,
  change: (key: KeyRecord) => KeyRecord,
): Promise<KeyRecord> {
  for (;;) {
    const { entry, record } = await loadKey(ports, tenant, keyId);
    const next = change(record);
    if (next === record || (await ports.kv.replace({ ...entry, value: next })) !== undefined) return next;
  }
}

/** The one answer for unknown ids and other tenants' keys. */
function noSuchKey(): ReelayError {
  return new ReelayError('not_found', 'id: no key with this id.');
}

function problem(path: string, text: string): ReelayError {
  return invalidRequest([{ path, message: `${path}: ${text}` }]);
}

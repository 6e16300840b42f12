/**
 * The key of one subject, in the key-value store:
 *
 *     live -> erasing -> erased        nothing leads back
 *
 * `live` holds the key, wrapped by that of its tenant. One conditional write turns it into the tombstone, which is in the key's own place: so
 * the key is gone and no other can be made, at once. A subject that is erased before it ever had a key gets the tombstone alone.
 */
import { ReelayError } from '../errors.ts';
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import type { Cipher, TenantKeys } from './cipher.ts';

/** Of whom data is kept: an end user of a tenant, or the tenant itself where it names none. `id` is a pseudonym. */
export interface Subject {
  readonly tenant: string;
  readonly id: string;
}

/** What the key's entry says. */
export type SubjectState =
  | { readonly v: 1; readonly state: 'live'; readonly wrapped: string }
  | { readonly v: 1; readonly state: 'erasing' | 'erased'; readonly atMs: number };

/** What sealing needs from outside. */
export interface SealPorts {
  readonly kv: KeyValueStore;
  readonly cipher: Cipher;
  readonly tenantKeys: TenantKeys;
}

/** The kind of their spaces, for `listDue`. */
export const subjectKeyKind = 'subject-key';

/** Where a subject's key lies. */
export function subjectKeyPlace({ tenant, id }: Subject): { readonly space: string; readonly name: string } {
  return { space: `${subjectKeyKind}/${ownerOf(tenant)}`, name: id };
}

/** Whose key lies in an entry of `listDue`. */
export function subjectOfEntry({ space, name }: KeyValueEntry): Subject {
  const owner = space.slice(subjectKeyKind.length + 1);
  return { tenant: decodeURIComponent(owner.replaceAll('.', '%')), id: name };
}

/** A tenant as the owner of a space: what a space does not take, and the dot itself, as a dot and the hex of its UTF-8 bytes. */
export function ownerOf(tenant: string): string {
  return encodeURIComponent(tenant.toWellFormed())
    .replace(/[.!~*'()]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '.');
}

/** The subject's entry; undefined for one of whom nothing was ever sealed. */
export async function readSubject(kv: KeyValueStore, subject: Subject): Promise<KeyValueEntry | undefined> {
  const { space, name } = subjectKeyPlace(subject);
  return kv.get(space, name);
}

/** What an entry says. */
export function stateOfSubject(entry: KeyValueEntry): SubjectState {
  return entry.value as SubjectState;
}

/** The subject's key, made if there is none. Throws `forbidden` for a subject that is erased. */
export async function keyToSeal(ports: SealPorts, subject: Subject): Promise<Uint8Array> {
  const there = await readSubject(ports.kv, subject);
  if (there !== undefined) return openKey(ports, subject, there);
  const key = ports.cipher.newKey();
  const wrapped = ports.cipher.toText(await ports.tenantKeys.wrap(subject.tenant, contextOf(subject), key));
  const value: SubjectState = { v: 1, state: 'live', wrapped };
  const made = await ports.kv.create({ ...subjectKeyPlace(subject), value, expiresAtMs: null, dueAtMs: null });
  if (made !== undefined) return key;
  // Another process made it in the same moment, or a tombstone.
  const other = await readSubject(ports.kv, subject);
  return other === undefined ? keyToSeal(ports, subject) : openKey(ports, subject, other);
}

/** The subject's key; undefined where there is none, or no more. */
export async function keyToOpen(ports: SealPorts, subject: Subject): Promise<Uint8Array | undefined> {
  const there = await readSubject(ports.kv, subject);
  if (there === undefined || stateOfSubject(there).state !== 'live') return undefined;
  return openKey(ports, subject, there);
}

/** What a writer is told whose subject is erased. */
export function subjectErased(): ReelayError {
  return new ReelayError('forbidden', 'The data of this person was erased on request; nothing new is kept of them.');
}

async function openKey(ports: SealPorts, subject: Subject, entry: KeyValueEntry): Promise<Uint8Array> {
  const state = stateOfSubject(entry);
  if (state.state !== 'live') throw subjectErased();
  return ports.tenantKeys.unwrap(subject.tenant, contextOf(subject), ports.cipher.fromText(state.wrapped));
}

function contextOf({ tenant, id }: Subject): string {
  return `reelay-subject-key-v1\n${tenant}\n${id}`;
}

/**
 * Personal data that can be erased: everything is sealed with the key of its subject, so that it is gone with the key, wherever copies are.
 *
 * Bytes are stored in four steps: the subject's key, a note of the place, the bytes, the key once more. An erasure takes the key first and
 * then what the notes name. So whoever stores while a subject is erased finds that in the last step, removes what it stored, and is refused;
 * if it dies before, the note leads the erasure's second look to it, and what lies there opens with no key.
 */
import { ReelayError } from '../errors.ts';
import type { BlobStore } from '../ports.ts';
import {
  keyToOpen,
  keyToSeal,
  ownerOf,
  readSubject,
  type SealPorts,
  type Subject,
  stateOfSubject,
  subjectErased,
} from './subject-key.ts';

/** What kind of data it is: bound to the sealed bytes, so that they open as nothing else. */
export type SealedKind = 'prompt' | 'reference' | 'consent' | 'latents';

/** Outside of the vault. */
export interface VaultPorts extends SealPorts {
  readonly blobs: BlobStore;
}

/** Begins a sealed text: what does not begin so was never sealed. */
const SEALED = 'sealed.v1.';

/** A text, sealed: `sealed.v1.` and base64url. `where` names the record it is for, and it opens for no other. Throws `forbidden` for a subject that is erased. */
export async function sealText(
  ports: SealPorts,
  subject: Subject,
  kind: SealedKind,
  where: string,
  text: string,
): Promise<string> {
  const key = await keyToSeal(ports, subject);
  const { cipher } = ports;
  return SEALED + cipher.toText(cipher.seal(key, sealContext(subject, kind, where), cipher.encode(text)));
}

/** Whether a text is a sealed one: records from before sealing hold plain ones. */
export function isSealed(text: string): boolean {
  return text.startsWith(SEALED);
}

/** The text; undefined once its subject is erased. Throws `internal` for what was sealed for another place, or changed. */
export async function openText(
  ports: SealPorts,
  subject: Subject,
  kind: SealedKind,
  where: string,
  sealed: string,
): Promise<string | undefined> {
  const key = await keyToOpen(ports, subject);
  if (key === undefined) return undefined;
  const bytes = ports.cipher.fromText(sealed.slice(SEALED.length));
  return ports.cipher.decode(opened(ports, key, sealContext(subject, kind, where), bytes));
}

/**
 * Stores bytes, sealed, in a folder of their own: `key` is a blob key whose folder holds nothing else. Throws `forbidden` for a subject that
 * is erased, and leaves nothing.
 */
export async function storeSealed(
  ports: VaultPorts,
  subject: Subject,
  kind: SealedKind,
  key: string,
  bytes: Uint8Array,
): Promise<void> {
  const sealed = ports.cipher.seal(await keyToSeal(ports, subject), sealContext(subject, kind, key), bytes);
  const space = notesSpace(subject);
  const note = { space, name: folderOf(key), value: { v: 1, subject: subject.id }, expiresAtMs: null, dueAtMs: null };
  await ports.kv.put(note);
  await ports.blobs.put(key, sealed, { contentType: 'application/octet-stream' });
  const now = await readSubject(ports.kv, subject);
  if (now !== undefined && stateOfSubject(now).state === 'live') return;
  await ports.blobs.deletePrefix(folderOf(key));
  await ports.kv.remove(space, folderOf(key));
  throw subjectErased();
}

/** The bytes; undefined for an unknown key and once the subject is erased. Throws `internal` for what is not sealed for this key. */
export async function loadSealed(
  ports: VaultPorts,
  subject: Subject,
  kind: SealedKind,
  key: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const dataKey = await keyToOpen(ports, subject);
  const blob = dataKey && (await ports.blobs.get(key));
  if (dataKey === undefined || blob === undefined) return undefined;
  if (blob.bytes > maxBytes)
    throw new ReelayError('payload_too_large', `${blob.bytes} sealed bytes; ${maxBytes} are allowed.`);
  const sealed = new Uint8Array(blob.bytes);
  let at = 0;
  for await (const part of blob.stream) {
    sealed.set(part, at);
    at += part.length;
  }
  return opened(ports, dataKey, sealContext(subject, kind, key), sealed);
}

/** Removes what one job or record no longer needs, before its subject is erased. */
export async function removeSealed(ports: VaultPorts, subject: Subject, key: string): Promise<void> {
  await ports.blobs.deletePrefix(folderOf(key));
  await ports.kv.remove(notesSpace(subject), folderOf(key));
}

/** Where the places of a subject's sealed bytes are noted, by their folders. */
export function notesSpace({ tenant, id }: Subject): string {
  return `subject-data/${ownerOf(tenant)}.${id.replace(':', '-')}`;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** What is bound to sealed bytes: they open for this subject, kind and place only. */
export function sealContext({ tenant, id }: Subject, kind: SealedKind, where: string): string {
  return `reelay-sealed-v1\n${tenant}\n${id}\n${kind}\n${where}`;
}

function opened({ cipher }: SealPorts, key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array {
  const plain = cipher.open(key, context, sealed);
  if (plain !== undefined) return plain;
  throw new ReelayError('internal', 'Sealed data does not open: it was changed, or is not where it was sealed for.', {
    retryable: false,
  });
}

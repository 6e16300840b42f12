/** The grammar of the KeyValueStore port, checked by every adapter before anything outside sees an entry. */
import { ReelayError } from '#core/errors.ts';
import type { KeyValueEntry } from '#core/ports.ts';

const SEGMENT = /^[A-Za-z0-9._-]+$/;
/** A kind is a word of ours and an owner a tenant or an id; DynamoDB's keys leave this much beside the longest name. */
const MAX_SPACE_CHARS = 256;
const MAX_NAME_CHARS = 512;
/** DynamoDB takes 400 KB an item, keys and index attributes included. */
const MAX_VALUE_BYTES = 300_000;

/** The part of a space before its slash. Throws `invalid_request` for a space that is not `kind/owner`. */
export function kindOfSpace(space: string): string {
  const [kind = '', owner = '', ...rest] = space.split('/');
  if (space.length <= MAX_SPACE_CHARS && rest.length === 0 && SEGMENT.test(kind) && SEGMENT.test(owner)) return kind;
  throw new ReelayError(
    'invalid_request',
    `space: ${quoted(space)} is not a kind and an owner of letters, digits, ".", "_", "-" around one slash.`,
  );
}

/** Throws `invalid_request` for a kind that no space has. */
export function checkKind(kind: string): void {
  kindOfSpace(`${kind}/x`);
}

/** Throws `invalid_request` for a space outside the grammar or a name that is too long or has no UTF-8 bytes (a lone surrogate). */
export function checkEntryKey(space: string, name: string): void {
  kindOfSpace(space);
  if (name.length > MAX_NAME_CHARS)
    throw new ReelayError('invalid_request', `name: ${name.length} characters; ${MAX_NAME_CHARS} are allowed.`);
  if (!name.isWellFormed()) throw new ReelayError('invalid_request', `name: ${quoted(name)} is not Unicode text.`);
}

/** The value as JSON, after a check of the key. Throws `payload_too_large` for a value that is larger than the port allows. */
export function entryJson({ space, name, value }: Omit<KeyValueEntry, 'version'>): string {
  checkEntryKey(space, name);
  // undefined and functions have no JSON, whatever the type of stringify says.
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new ReelayError('invalid_request', 'value: it is not JSON.');
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_VALUE_BYTES) return json;
  throw new ReelayError('payload_too_large', `value: ${bytes} bytes; ${MAX_VALUE_BYTES} are allowed.`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Whose ledger it is: an id, and the key of its pseudonyms or how to tell that a process has the right one. */
import { ReelayError } from '../errors.ts';
import type { KeyValueStore } from '../ports.ts';
import type { Hmac } from './pseudonym.ts';

/** What an installation's ledger is begun with. */
export interface AuditInstallation {
  /** 32 characters of lower-case hex. */
  readonly id: string;
  readonly hmac: Hmac;
}

/** What reading or making it needs. */
export interface InstallationPorts {
  readonly kv: KeyValueStore;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
  /** HMAC-SHA256 with a key of 64 characters of lower-case hex. */
  readonly hmacOf: (keyHex: string) => Hmac;
  /** The key of the pseudonyms, where it lies outside of the stores; undefined: in the entry. */
  readonly pseudonymKey?: string;
}

interface Stored {
  readonly v: 1;
  readonly id: string;
  /** null: every process is given it. */
  readonly pseudonymKey: string | null;
  /** The key's HMAC of a fixed text: tells one key from another, and nothing else. */
  readonly check: string;
}

const PLACE = { space: 'audit/installation', name: 'installation' };
const CHECKED = 'reelay-pseudonym-check-v1';

/**
 * Made by the first process that needs it; of several at once, that of the first to write stands. Throws `store_unavailable`, and
 * `invalid_request` where this process has another key than the one that the ledger was begun with: one name would have two pseudonyms.
 */
export async function readInstallation(ports: InstallationPorts): Promise<AuditInstallation> {
  const { kv, hmacOf, pseudonymKey } = ports;
  const { space, name } = PLACE;
  const entry = (await kv.get(space, name)) ?? (await make(ports)) ?? (await kv.get(space, name));
  if (entry === undefined)
    throw new ReelayError('store_unavailable', 'The ledger of this installation cannot be read.');
  const stored = entry.value as Stored;
  const key = pseudonymKey ?? stored.pseudonymKey;
  if (key === null)
    throw refused(
      'it is not set, and the ledger of this installation was begun with one; set it to the same everywhere',
    );
  const hmac = hmacOf(key);
  if (hmac(CHECKED) !== stored.check)
    throw refused(
      'it is not the key that the ledger of this installation was begun with; set it to that one everywhere',
    );
  return { id: stored.id, hmac };
}

/** The id alone, for whoever reads the ledger; undefined: nothing was ever recorded. */
export async function readInstallationId(kv: KeyValueStore): Promise<string | undefined> {
  return ((await kv.get(PLACE.space, PLACE.name))?.value as Stored | undefined)?.id;
}

async function make({ kv, random, hmacOf, pseudonymKey }: InstallationPorts) {
  const key = pseudonymKey ?? hex(random(32));
  const value: Stored = {
    v: 1,
    id: hex(random(16)),
    pseudonymKey: pseudonymKey === undefined ? key : null,
    check: hmacOf(key)(CHECKED),
  };
  return kv.create({ ...PLACE, value, expiresAtMs: null, dueAtMs: null });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

function refused(why: string): ReelayError {
  return new ReelayError('invalid_request', `The key of the audit pseudonyms (REELAY_AUDIT_PSEUDONYM_KEY): ${why}.`);
}

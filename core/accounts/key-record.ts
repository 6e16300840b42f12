/** What is stored of keys: never a key. */
import type { KeyValueStore } from '../ports.ts';
import type { Budget } from './budget.ts';
import type { Scope } from './scopes.ts';

/**
 * A key as it is stored, under the SHA-256 of its text. One round of SHA-256 is enough: slow hashes make guessing dear where people chose
 * the secret; 256 random bits cannot be guessed, at whatever speed. Looking it up by the hash also compares nothing that is secret.
 */
export interface KeyRecord {
  readonly v: 1;
  readonly keyId: string;
  readonly tenant: string;
  /** What it is for; two live keys may have the same. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Of the key and all that replace it: what they spend is counted together. */
  readonly budget: Budget;
  /** The first key of its rotation. */
  readonly budgetKey: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** What its maker said of that, where a rotation ends it sooner. */
  readonly madeUntilMs?: number | null;
  readonly revokedAtMs: number | null;
  /** To accountLimits.lastUsedEveryMs; null: never. */
  readonly lastUsedAtMs: number | null;
  /** The key that it was rotated from. */
  readonly rotatedFrom: string | null;
}

/** What managing keys needs. */
export interface KeyPorts {
  readonly kv: KeyValueStore;
  readonly now: () => number;
  readonly random: (n: number) => Uint8Array;
  /** Lower-case hex of a text's UTF-8 bytes. */
  readonly sha256: (text: string) => string;
  /** What the installation's keys are known by: live, test, local. */
  readonly environment: string;
}

/** The space of all keys; the names are hashes. */
export const keySpace = 'api_keys/hashes';

/** Where a tenant's keys are listed: one entry, so that how many are live is counted in the write that adds one. */
export function keyListPlace(tenant: string): { readonly space: string; readonly name: string } {
  return { space: `api_key_lists/${tenant}`, name: 'keys' };
}

/** One of a tenant's keys; the record under `hash` is the truth. */
export interface ListedKey {
  readonly keyId: string;
  readonly hash: string;
  readonly name: string;
  readonly listedAtMs: number;
}

/** Whether a key opens anything now. */
export function isLive(key: KeyRecord, nowMs: number): boolean {
  return key.revokedAtMs === null && (key.expiresAtMs === null || nowMs < key.expiresAtMs);
}

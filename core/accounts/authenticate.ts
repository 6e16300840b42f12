/**
 * Who asks. A header becomes a principal, or one refusal that is the same for no key, a malformed, an unknown, an expired and a revoked
 * one, after the same work: one hash and one read. Only live keys are remembered, for accountLimits.keyStaleMs: so long after a
 * revocation, a suspension or a change of limits it has taken effect in every process; expiry takes effect at its moment.
 */
import { accountLimits } from './account-limits.ts';
import { type Budget, noBudget } from './budget.ts';
import { isLive, type KeyPorts, type KeyRecord, keySpace } from './key-record.ts';
import { type Refusal, refusal } from './refusal.ts';
import { createMemory } from './remember.ts';
import { type Scope, scopes } from './scopes.ts';
import { localTenant, suspendedRefusal, type TenantRecord } from './tenant.ts';
import { readInstallationBudget, readTenant } from './tenants.ts';

/** Whoever asks, and what that comes with. */
export interface Principal {
  readonly tenant: string;
  /** null without a key. */
  readonly keyId: string | null;
  readonly scopes: readonly Scope[];
  /** Under which the key's spending is counted; null without a key. */
  readonly budgetKey: string | null;
  readonly keyBudget: Budget;
  readonly account: TenantRecord;
}

/** Asks and remembers. */
export interface Authenticator {
  /** Throws `store_unavailable`: without the store nobody new is let in, and nobody is told that a key is wrong. */
  readonly authenticate: (authorization: string | undefined) => Promise<Principal | Refusal>;
  /** A tenant's record, remembered as long; undefined for an unknown one. */
  readonly account: (tenant: string) => Promise<TenantRecord | undefined>;
  /** The installation's budget, remembered as long. */
  readonly installationBudget: () => Promise<Budget>;
}

/** Whoever is on the machine itself in embedded mode: every scope and no key. */
export function localPrincipal(account: TenantRecord = localTenant): Principal {
  return { tenant: account.id, keyId: null, scopes, budgetKey: null, keyBudget: noBudget, account };
}

/** Who has a key that the operator gave the server by its hash: every scope, and no budget but its tenant's. */
export function operatorPrincipal(keyId: string, account: TenantRecord): Principal {
  return { ...localPrincipal(account), keyId, budgetKey: keyId };
}

/** The one sentence for every key that opens nothing. */
export function unauthorized(): Refusal {
  return refusal('unauthorized', 'Authorization: a valid API key is required as "Bearer <key>".');
}

/** One of a process. */
export function createAuthenticator(ports: Omit<KeyPorts, 'random' | 'environment'>): Authenticator {
  const { keyStaleMs, rememberedKeys } = accountLimits;
  const keys = createMemory<KeyRecord>(keyStaleMs, rememberedKeys);
  const tenants = createMemory<TenantRecord>(keyStaleMs, rememberedKeys);
  const budgets = createMemory<Budget>(keyStaleMs, 1);

  async function readKey(text: string): Promise<KeyRecord | undefined> {
    const hash = ports.sha256(text);
    const known = keys.get(hash, ports.now());
    if (known !== undefined) return known;
    const readAtMs = ports.now();
    const entry = await ports.kv.get(keySpace, hash);
    const key = entry?.value as KeyRecord | undefined;
    if (entry === undefined || key === undefined || !isLive(key, ports.now())) return undefined;
    const used = await noteUse(ports, entry, key);
    keys.set(hash, used, readAtMs);
    return used;
  }

  async function readAccount(id: string): Promise<TenantRecord | undefined> {
    const known = tenants.get(id, ports.now());
    if (known !== undefined) return known;
    const readAtMs = ports.now();
    const account = await readTenant(ports, id);
    if (account !== undefined) tenants.set(id, account, readAtMs);
    return account;
  }

  return {
    authenticate: async authorization => {
      const key = await readKey(keyIn(authorization));
      if (key === undefined || !isLive(key, ports.now())) return unauthorized();
      const account = await readAccount(key.tenant);
      if (account === undefined) return unauthorized();
      if (account.suspended) return suspendedRefusal();
      const { tenant, keyId, budgetKey, budget: keyBudget } = key;
      return { tenant, keyId, scopes: key.scopes, budgetKey, keyBudget, account };
    },
    account: readAccount,
    installationBudget: async () => {
      const known = budgets.get('all', ports.now());
      if (known !== undefined) return known;
      const readAtMs = ports.now();
      const budget = await readInstallationBudget(ports);
      budgets.set('all', budget, readAtMs);
      return budget;
    },
  };
}

/** What stands after "Bearer", whatever it is: what cannot be a key is hashed and looked up like one. */
function keyIn(authorization: string | undefined): string {
  const text = /^Bearer (\S+)$/i.exec((authorization ?? '').slice(0, accountLimits.maxKeyChars + 8))?.[1];
  return text ?? 'none';
}

/** Writes down, now and then, that a key is in use. A write that is lost, or fails, is no reason to turn anybody away. */
async function noteUse(
  ports: Pick<KeyPorts, 'kv' | 'now'>,
  entry: NonNullable<Awaited<ReturnType<KeyPorts['kv']['get']>>>,
  key: KeyRecord,
): Promise<KeyRecord> {
  const nowMs = ports.now();
  if (key.lastUsedAtMs !== null && nowMs - key.lastUsedAtMs < accountLimits.lastUsedEveryMs) return key;
  const used = { ...key, lastUsedAtMs: nowMs };
  await ports.kv.replace({ ...entry, value: used }).catch(() => undefined);
  return used;
}

import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Principal } from '#core/accounts/authenticate.ts';
import { localPrincipal } from '#core/accounts/authenticate.ts';
import type { Scope } from '#core/accounts/scopes.ts';
import { localTenant } from '#core/accounts/tenant.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { type Take, type TakePorts, takeNext } from '#core/jobs/take.ts';
import type { Reviewer } from '#core/policy/content/review.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { CARD } from '#test/core/model-card.ts';

/** Reviewed: somebody is named as in a photo. */
export const REVIEWED = 'photo of Martha Ellingworth by a lake';
/** Denied by the floor, and no consent answers it. */
export const DENIED = 'photo of Martha Ellingworth naked';
/** Denied, and only a consent could have answered it. */
export const UNASKED = 'a deepfake of my neighbor';

export const ANNA = key('anna');
export const BORIS = key('boris');
export const annaReviews: Reviewer = { person: 'local/anna', tenant: 'local', role: 'reviewer' };
export const borisReviews: Reviewer = { person: 'local/boris', tenant: 'local', role: 'reviewer' };
export const operator: Reviewer = { person: 'ops/carla', tenant: 'ops', role: 'operator' };

function key(name: string, scopes: readonly Scope[] = ['videos:write']): Principal {
  return { ...localPrincipal(localTenant), keyId: `key_${name}`, budgetKey: name, scopes };
}

export interface PolicyWorld {
  readonly ports: SubmitPorts;
  readonly db: DatabaseSync;
  /** Moves the clock of everything here. */
  pass(ms: number): void;
  ask(prompt: string, by?: Principal, more?: object): ReturnType<typeof submit>;
  /** What a worker gets whose message names this job. */
  take(jobId: string): Promise<Take>;
  close(): void;
}

/** The local adapters with a clock of their own. */
export function openPolicyWorld(overrides: Partial<SubmitPorts> = {}): PolicyWorld {
  const { path, remove } = temporaryFolder();
  const db = openDatabase(path);
  db.exec('PRAGMA synchronous=OFF');
  let skewMs = 0;
  const now = () => Date.now() + skewMs;
  const ports: SubmitPorts = {
    ...createLocalPorts({ db, folder: path, owner: 'test', models: [CARD], now }),
    ...overrides,
  };
  const monotonicMs = () => performance.now();
  const lease: TakePorts = {
    ...{ ...ports, owner: 'test', leaseSeconds: 120, monotonicMs, ownerIsGone: () => false },
    leases: createLeaseWatch({ monotonicMs, leaseSeconds: 120 }),
  };
  return {
    ports,
    db,
    pass: ms => {
      skewMs += ms;
    },
    ask: (prompt, principal = ANNA, more = {}) => submit(ports, 'local', { prompt, ...more }, { principal }),
    take: jobId => takeNext(lease, jobId),
    close: () => {
      db.close();
      remove();
    },
  };
}

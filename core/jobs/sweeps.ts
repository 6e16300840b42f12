import { limits } from '../limits.ts';
import { defaultResidency } from '../policy/residency.ts';
import { sweepReviews } from '../policy/reviews/settle-review.ts';
import { sweepReferences } from '../references/store-reference.ts';
import { sweepDeadlines } from './deadlines.ts';
import { type ErasingPorts, sweepUsers } from './erase-user.ts';
import { type ExpirePorts, expire, sweepTombstones } from './expire.ts';
import { sweepDeadLetters, sweepLostMessages, sweepOutbox } from './relay.ts';
import type { HeadPorts } from './unserved.ts';

/** What a round of sweeps needs. */
export interface SweepPorts extends ErasingPorts, ExpirePorts, HeadPorts {
  /** The class whose jobs alone these ports reach; undefined: they reach those of all classes. */
  readonly enclave?: string;
}

/**
 * Everything that anyone may do at any time to bring the records and the outside together: pays what is owed, ends missed deadlines, sends
 * lost messages again, removes deleted and expired jobs and later what is left of them, references that no job came to have, reviews that nobody came to, and keys and logs that are over. Dead leases are
 * not among them: telling one takes a process that watches for a whole lease.
 */
export const sweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = {
  sweepOutbox,
  sweepDeadlines,
  sweepLostMessages,
  expire,
  sweepTombstones,
  sweepReferences,
  sweepReviews,
  sweepAccounts,
  sweepErasures,
  sweepAudit,
  forget,
};

/** What waits for minutes anyway: it is done once in limits.rareSweepTurns. */
export const slowSweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = { sweepAccounts };

/** Looking at letters hides them from people for a moment: this one is done more rarely. */
export const rareSweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = { sweepDeadLetters };

/** Pays what ledgers owe, only where the jobs of every class can be found: a hold whose job cannot be is given back. functions/tick.ts does it for all. */
async function sweepAccounts({ enclave, accounts, store }: SweepPorts): Promise<unknown> {
  return enclave === undefined ? accounts.sweep(store) : undefined;
}

/** The ledger is one for all classes. */
async function sweepAudit({ enclave = defaultResidency, audit }: SweepPorts): Promise<unknown> {
  return enclave === defaultResidency ? audit.sweep() : undefined;
}

/** Likewise: a person's jobs may be of any class. */
async function sweepErasures(ports: SweepPorts): Promise<unknown> {
  return ports.enclave === undefined ? sweepUsers(ports) : undefined;
}

/** The entries are those of all classes: one of them is swept for all. */
async function forget({ enclave = defaultResidency, kv, now }: SweepPorts): Promise<unknown> {
  return enclave === defaultResidency ? kv.removeExpired(now() - limits.expiryGraceMs, limits.expiryBatch) : undefined;
}

import { limits } from '../limits.ts';
import { defaultResidency } from '../policy/residency.ts';
import { sweepReferences } from '../references/store-reference.ts';
import { sweepDeadlines } from './deadlines.ts';
import { type ExpirePorts, expire, sweepTombstones } from './expire.ts';
import { type RelayPorts, sweepDeadLetters, sweepLostMessages, sweepOutbox } from './relay.ts';
import type { HeadPorts } from './unserved.ts';

/** What a round of sweeps needs. */
export interface SweepPorts extends RelayPorts, ExpirePorts, HeadPorts {
  /** The class whose jobs alone these ports reach; undefined: they reach those of all classes. */
  readonly enclave?: string;
}

/**
 * Everything that anyone may do at any time to bring the records and the outside together: pays what is owed, ends missed deadlines, sends
 * lost messages again, removes deleted and expired jobs and later what is left of them, references that no job came to have, and keys and logs that are over. Dead leases are
 * not among them: telling one takes a process that watches for a whole lease.
 */
export const sweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = {
  sweepOutbox,
  sweepDeadlines,
  sweepLostMessages,
  expire,
  sweepTombstones,
  sweepReferences,
  sweepAudit,
  forget,
};

/** Looking at letters hides them from people for a moment: this one is done more rarely. */
export const rareSweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = { sweepDeadLetters };

/** The ledger is one for all classes. */
async function sweepAudit({ enclave = defaultResidency, audit }: SweepPorts): Promise<unknown> {
  return enclave === defaultResidency ? audit.sweep() : undefined;
}

/** The entries are those of all classes: one of them is swept for all. */
async function forget({ enclave = defaultResidency, kv, now }: SweepPorts): Promise<unknown> {
  return enclave === defaultResidency ? kv.removeExpired(now() - limits.expiryGraceMs, limits.expiryBatch) : undefined;
}

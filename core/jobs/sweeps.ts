import { limits } from '../limits.ts';
import { sweepReferences } from '../references/store-reference.ts';
import { sweepDeadlines } from './deadlines.ts';
import { type ExpirePorts, expire, sweepTombstones } from './expire.ts';
import { type RelayPorts, sweepDeadLetters, sweepLostMessages, sweepOutbox } from './relay.ts';

/** What a round of sweeps needs. */
export interface SweepPorts extends RelayPorts, ExpirePorts {}

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
  forget: ports => ports.kv.removeExpired(ports.now() - limits.expiryGraceMs, limits.expiryBatch),
};

/** Looking at letters hides them from people for a moment: this one is done more rarely. */
export const rareSweeps: Readonly<Record<string, (ports: SweepPorts) => Promise<unknown>>> = { sweepDeadLetters };

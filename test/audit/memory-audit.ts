import { pseudonymHmac } from '#adapters/audit-crypto.ts';
import { type AuditEvent, type AuditPort, entryOf } from '#core/audit/audit-port.ts';
import { checkEntry } from '#core/audit/record.ts';

const hmac = pseudonymHmac(Buffer.alloc(32, 7));

/** A ledger in memory, for compositions whose ledger is not what is looked at; refuses what a real one refuses. */
export interface MemoryAudit extends AuditPort {
  readonly events: readonly AuditEvent[];
}

/** An empty one. */
export function createMemoryAudit(): MemoryAudit {
  const events: AuditEvent[] = [];
  return {
    events,
    record: async event => {
      checkEntry(entryOf(hmac, event));
      events.push(event);
    },
    sweep: async () => undefined,
  };
}

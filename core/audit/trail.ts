/** How a process tells the ledger something, without caring who has its shard. */
import { ReelayError } from '../errors.ts';
import { auditLimits } from './audit-limits.ts';
import type { AuditEntry, AuditRecord } from './record.ts';
import type { LedgerPorts } from './shard-head.ts';
import { openShard, type ShardWriter } from './shard-writer.ts';

/** What a verb is given. */
export interface AuditTrail {
  /** Durable when it resolves; an act that must be in the ledger awaits it. Throws `store_unavailable`, `invalid_request`. */
  readonly record: (entry: AuditEntry) => Promise<AuditRecord>;
  /** For the sweep: closes a segment that is full or old. A shard that another process has is that one's to close. */
  readonly sweep: () => Promise<void>;
}

/** Which shard, and what is outside. */
export interface TrailOptions {
  readonly shard: string;
  /** Names this process and no other one, ever. */
  readonly writer: string;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The shard is opened with the first record, and taken back where another process took it: that record is not in it yet. */
export function createAuditTrail(ports: LedgerPorts, { shard, writer, sleep }: TrailOptions): AuditTrail {
  let opened: Promise<ShardWriter> | undefined;

  async function record(entry: AuditEntry): Promise<AuditRecord> {
    for (let n = 0; n < auditLimits.takeovers; n++) {
      opened ??= openShard(ports, shard, writer);
      const mine = opened;
      try {
        return await (await mine).append(entry);
      } catch (error) {
        const isLost = error instanceof ReelayError && error.code === 'lease_lost';
        // A shard that could not be opened is opened again by the next record.
        if (opened === mine && (isLost || !(await isOpen(mine)))) opened = undefined;
        if (!isLost) throw error;
        await sleep(auditLimits.takeoverWaitMs * 2 ** n);
      }
    }
    throw new ReelayError('store_unavailable', `The audit shard ${shard} changes hands too fast to write to.`);
  }

  return {
    record,
    async sweep() {
      if (opened === undefined) return;
      try {
        await (await opened).closeIfDue();
      } catch (error) {
        opened = undefined;
        if (!(error instanceof ReelayError && error.code === 'lease_lost')) throw error;
      }
    },
  };
}

function isOpen(writer: Promise<ShardWriter>): Promise<boolean> {
  return writer.then(
    () => true,
    () => false,
  );
}

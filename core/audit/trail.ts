/** How a process tells the ledger something, without caring who has its shard. */
import { ReelayError } from '../errors.ts';
import { auditLimits } from './audit-limits.ts';
import type { AuditEntry, AuditRecord } from './record.ts';
import { type Head, listHeads, type WriterPorts } from './shard-head.ts';
import { openShard, type ShardWriter } from './shard-writer.ts';

/** What a verb is given. */
export interface AuditTrail {
  /** Durable when it resolves; an act that must be in the ledger awaits it. Throws `store_unavailable`, `invalid_request`. */
  readonly record: (entry: AuditEntry) => Promise<AuditRecord>;
  /** For the sweep: closes segments that are full or old, of this process and of those that are gone. */
  readonly sweep: () => Promise<void>;
}

/** Which shard, and what is outside. */
export interface TrailOptions {
  readonly shard: string;
  /** Shards to go on with where another process takes this one; none by default: it is taken back. */
  readonly others?: readonly string[];
  /** Names this process and no other one, ever. */
  readonly writer: string;
  readonly sleep: (ms: number) => Promise<void>;
}

/** The shard is opened with the first record, and taken back where another process took it: that record is not in it yet. */
export function createAuditTrail(ports: WriterPorts, { shard, others = [], writer, sleep }: TrailOptions): AuditTrail {
  const shards = [shard, ...others];
  let turn = 0;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let opened: Promise<ShardWriter> | undefined;
  const mine = () => shards[turn % shards.length]!;

  async function record(entry: AuditEntry): Promise<AuditRecord> {
    for (let n = 0; n < auditLimits.takeovers; n++) {
      opened ??= openShard(ports, mine(), writer);
      const now = opened;
      try {
        return await (await now).append(entry);
      } catch (error) {
        const isLost = error instanceof ReelayError && error.code === 'lease_lost';
        // A shard that could not be opened is opened again by the next record.
        if (opened === now && (isLost || !(await isOpen(now)))) {
          opened = undefined;
          if (isLost) turn++;
        }
        if (!isLost) throw error;
        await sleep(auditLimits.takeoverWaitMs * 2 ** n);
      }
    }
    throw new ReelayError('store_unavailable', `The audit shard ${mine()} changes hands too fast to write to.`);
  }

  async function sweepOwn(): Promise<void> {
    if (opened === undefined) return;
    try {
      await (await opened).closeIfDue();
    } catch (error) {
      opened = undefined;
      ignoreLost(error);
    }
  }

  return {
    record,
    async sweep() {
      await sweepOwn();
      // Whoever has no key leaves it to those that do.
      if (ports.signer === undefined || ports.now() - lookedAtMs < auditLimits.lookEveryMs) return;
      lookedAtMs = ports.now();
      await closeAbandoned(ports, writer);
    },
  };
}

/** From a process that is gone, or that has no key, the shard is taken for as long as that needs. */
async function closeAbandoned(ports: WriterPorts, writer: string): Promise<void> {
  for (const [shard, head] of await listHeads(ports.kv))
    if (head.writer !== writer && isAbandoned(head, ports.now()))
      await openShard(ports, shard, `${writer}-sweep`)
        .then(taken => taken.closeIfDue())
        .catch(ignoreLost);
}

/** A writer that lives and has the key would have closed it. */
function isAbandoned({ end, segment, closing }: Head, nowMs: number): boolean {
  const records = end.seq - segment.start.seq;
  const { abandonedMs, batchRecords, segmentBatches, segmentMs, segmentRecords } = auditLimits;
  if (closing !== null) return nowMs - closing.ts >= abandonedMs;
  if (records === 0) return false;
  const isOver = records > segmentRecords + batchRecords || segment.batches > segmentBatches + 1;
  return isOver || nowMs - segment.openedAtMs >= segmentMs + abandonedMs;
}

/** Another process was faster: it is that one's now. */
function ignoreLost(error: unknown): void {
  if (!(error instanceof ReelayError && error.code === 'lease_lost')) throw error;
}

function isOpen(writer: Promise<ShardWriter>): Promise<boolean> {
  return writer.then(
    () => true,
    () => false,
  );
}

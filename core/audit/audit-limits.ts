/** Sizes and times of the audit ledger and of sealed data, each with its reason. */
export const auditLimits = {
  /** Records of one segment: 4 MB of text, read at once when it is closed. */
  segmentRecords: 10_000,
  /** Batches of one segment: closing reads each, at some 5 ms from DynamoDB. */
  segmentBatches: 1_000,
  /** A segment that is not full is closed and signed after this long: until then only an anchor holds its records. */
  segmentMs: 3_600_000,
  /** A segment that its writer has not closed by so much later is closed by another process: that one is gone, or has no key. */
  abandonedMs: 600_000,
  /** How often a process looks for such segments: a list of all heads. */
  lookEveryMs: 300_000,
  /** Shards that a deployment's functions draw from, and its workers: a process that meets another in one goes on to the next. */
  doorShards: 8,
  workerShards: 16,
  /** Records of one batch, one key-value entry: a record has 1,500 bytes at most, and an entry 300,000. */
  batchRecords: 190,
  /** Records that a head holds before they become a batch: with four it has 2 KB, which cost what a batch and a head of 1 KB each do. */
  tailRecords: 4,
  /** Entries a list is asked for at a time. */
  listPage: 100,
  /** Records that wait in one process: 8 MB; a store that is this far behind is out. */
  waitingRecords: 20_000,
  /** Rules that one decision names, and characters of a word of ours. */
  decisionRules: 12,
  wordChars: 64,
  /** Times that a process takes a shard back before it says that the ledger is busy, and the first wait, doubled. */
  takeovers: 8,
  takeoverWaitMs: 20,
  /** Findings that are told of one shard: where a ledger begins to be wrong says it, and what follows repeats it. */
  findings: 20,
  /** A line of a ledger that is read: several times the longest record. */
  lineChars: 10_000,
  /** A checkpoint or an anchor that is read: an anchor has 150 bytes a shard. */
  statementBytes: 1_000_000,
  /** An erased subject is looked at again after so long: a writer that hung may have left sealed bytes. */
  secondLookMs: 86_400_000,
  /** A piece of an erasure that stopped is taken up after this long. */
  resumeMs: 60_000,
  /** Days of each kind that TRUST asks for: see retention.ts. */
  dayMs: 86_400_000,
} as const;

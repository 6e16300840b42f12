/**
 * Every number of the drop folder with its reason. They stand here until core/limits.ts takes them over.
 */
export const dropLimits = {
  /** A file counts as whole when size and times were equal over this long: writers over a network pause for about a second. */
  stableMs: 2_000,
  /** How often the watched folder is read while something waits in it. */
  scanEveryMs: 1_000,
  /** How often it is read at least, for events that were missed. */
  reconcileEveryMs: 30_000,
  /** Two scans are at least this far apart, however many events come. */
  scanGapMs: 200,
  /** Drops that one pass takes in before it reads the folder again. */
  dropsPerPass: 500,
  /** Entries of the folder that one scan looks at; the rest has its turn when these are done. */
  entriesPerScan: 100_000,
  /** Open receipts that one look goes through. */
  receiptsPerLook: 200,
  /** An image or video without a sidecar waits this long for one. */
  sidecarWaitMs: 10_000,
  /** A request that names a file which is not there waits this long for it. */
  siblingWaitMs: 30_000,
  /** Requests of one .jsonl: their ids must fit into one entry of the key-value store. */
  batchLines: 1_000,
  /** Files that one drop may name: all of them are in memory while it is taken in. */
  filesPerDrop: 32,
  /** An error file's words end here: ten thousand unknown fields are told by the first few. */
  errorChars: 8_000,
  /** Problems that one error file spells out. */
  problemsTold: 20,
  /** Bytes of the files that its requests start from, each as often as it is named: every job stores a copy of its own. */
  referenceBytesPerDrop: 134_217_728,
  /** New jobs of one folder or prefix a minute: ten times what people and exports drop, and a loop is no faster than this. */
  jobsPerMinute: 6_000,
  /** The registry remembers a drop this long after it was last seen; bytes in drop/ live 7 days, artifacts 30. */
  registryDays: 90,
  /** A drop that failed for a reason outside it is tried again after a second, doubled up to this. */
  retryMostMs: 60_000,
  /** So many failures in a row end a pass: what is out is out for all of them. */
  failuresPerPass: 5,
  /** Objects that one run of the S3 reconciler looks at; the next run goes on from there. */
  objectsPerRun: 10_000,
  /** Longest stem of a file that we name. */
  stemChars: 64,
} as const;

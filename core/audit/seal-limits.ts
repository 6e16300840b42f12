/** Sizes and times of sealing and erasure, each with its reason. */
export const sealLimits = {
  /** A process looks at a subject's key again after so long: until then it may still open what is sealed with a destroyed one. */
  keyKeptMs: 20_000,
  /** Keys that a process keeps: 2 MB. One more is one more look. */
  keysKept: 10_000,
  /** Jobs whose subject a process remembers: those in work. */
  jobsKept: 2_000,
  /** Characters of an end user's name: a mail address, an id of any system. */
  maxUserChars: 256,
  /** Jobs that an export tells at a time, as a list does. */
  exportPage: 100,
  /** Erasures that come within so long share the emptying of the log, which waits for the disk. */
  scrubGatherMs: 50,
  /** Times that the database's log is asked to be emptied after an erasure, and the wait between: another process reads for moments only. */
  scrubTries: 50,
  scrubWaitMs: 100,
} as const;

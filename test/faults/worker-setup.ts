/** What a worker or server process of the fault suites is told, as JSON: the one argument of its script. */

export interface WorkerSetup {
  readonly dataFolder: string;
  readonly modelsFolder: string;
  readonly leaseSeconds: number;
  readonly checkpointCadence: { readonly everySteps: number; readonly everyMs: number };
  /** Absent: the product's own composition, untouched. */
  readonly faults?: Faults;
}

export interface ServerSetup extends Omit<WorkerSetup, 'faults'> {
  readonly port: number;
}

/** What goes wrong in a worker, and when. */
export interface Faults {
  readonly trap?: Trap;
  /** The sweeper's pause, to fit many leases into little time; limits.sweepEverySeconds otherwise. */
  readonly sweepEveryMs?: number;
  /** Every call of store, queue and facts, or of the blob store, takes so much longer. */
  readonly slow?: { readonly storeMs: number; readonly blobsMs: number };
  /** A file with milliseconds that are added to the wall clock, read at each look. */
  readonly clockFile?: string;
  /** Prompts with the word die, or take the render child with them, until this file exists. */
  readonly poisonUntil?: string;
  readonly disk?: DiskFault;
}

/**
 * The worker signals its own group at one of these points of a job's life:
 *
 *     phase:loading … step:1 … step:n  phase:decoding  phase:encoding_video  phase:marking     as the renderer reports them
 *     put:checkpoint  stored:checkpoint  put:video.mp4  stored:video.mp4 …       before and after bytes are written
 *     commit  committed  event  published  ack                                  before and after the record and what follows it
 */
export interface Trap {
  /** The jobs of a worker get them in turn. */
  readonly points: readonly string[];
  /** Jobs in this attempt only: the next attempt goes through. */
  readonly attempt: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** A line of JSON is appended just before the signal: `Sprung`. */
  readonly file: string;
}

/** A trap that has sprung. */
export interface Sprung {
  readonly pid: number;
  readonly jobId: string;
  readonly attempt: number;
  readonly point: string;
  readonly atMs: number;
}

/** From its `nth` use since the first lease on, one part of the disk fails for a while. */
export interface DiskFault {
  /** blobs: a step of a write or read. database: no new page. store: a call, before or after it was done. */
  readonly part: 'blobs' | 'database' | 'store-before' | 'store-after' | 'scratch' | 'events';
  readonly code: 'ENOSPC' | 'EIO';
  readonly nth: number;
  readonly forMs: number;
  /** Gets one line of JSON when the fault begins: `Failing`. */
  readonly file: string;
}

/** A disk fault that has begun. */
export interface Failing {
  readonly atMs: number;
  /** When the disk is well again. */
  readonly backAtMs: number;
}

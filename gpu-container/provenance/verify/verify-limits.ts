/** Sizes, counts and times of verifying, each with its reason. test/provenance/verify holds the relations. */
export const verifyLimits = {
  /** A video, in memory in two processes: what signing takes. A picture: a PNG of 33 million pixels seldom has more. */
  videoBytes: 209_715_200,
  imageBytes: 67_108_864,
  /** Boxes of an MP4 at every level together; ours have 60, a minute of one-frame fragments 20,000. What reads them takes their square. */
  boxes: 30_000,
  /** Frames that a file may say it has: an hour and more. Only the first are decoded. */
  frames: 100_000,
  /** Frames that are decoded: 25 s of 24 a second. A mark is in each frame. */
  decodedFrames: 600,
  /** Luma samples of the frames that are kept, 1.5 bytes each: all of 5 s at 1280x704. */
  keptSamples: 110_000_000,
  /** Frames that are kept; each makes the reading surer, and above some hundred no more. */
  keptFrames: 240,
  /** What a picture is shrunk to, and what a search takes: the mark is 64 cells wide. */
  imagePixels: 1_000_000,
  searchPixels: 1_000_000,
  /** Decoding ends here and what came is read, so that a long clip of large frames has an answer. */
  decodeMs: 6_000,
  /** A process that has not answered by then is ended; C2PA data of a large file adds what read-mp4.ts gives it. */
  seconds: 12,
  searchSeconds: 20,
  /** Memory of that process, and so many times the file more: C2PA holds a file four times over. A decoder keeps 16 large frames. */
  residentBytes: 1_200_000_000,
  residentPerByte: 6,
  /** How often its memory is looked at: it can grow by 1 GB in so long, not by 10. */
  watchMs: 200,
  /** An idle process goes: it has 150 MB. */
  idleMs: 60_000,
  /** Files that wait while one is read: who comes then comes again. */
  waiting: 1,
  /** Jobs that the registry is counted as, so that the odds hold for any that is smaller. */
  registryJobs: 100_000_000,
  /** Counters of a job's payload that a file's own word for its job is compared with: the second is taken once in a million jobs. */
  suspects: 2,
} as const;

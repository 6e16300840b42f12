/**
 * Every timeout, size and count of the product, each with its reason. test/core/limits.test.ts holds the relations between them.
 */
export const limits = {
  /** A worker that has not beaten for this long is presumed dead; short enough that a user waits, long enough for a slow store. */
  leaseSeconds: 120,
  /** Beats a worker has in one lease: two may be lost before the lease is. */
  beatsPerLease: 3,
  /** The cancel flag is read, and progress written, with step reports, at most this often: a fast sampler must not flood the store. */
  progressEveryMs: 1_000,
  /** The same in embedded mode, where the store is a file and a person watches. */
  localProgressEveryMs: 100,
  /** A render child that ignores a polite cancel for this long is killed. */
  cancelGraceMs: 2_000,
  /** Expired keys and log entries go in the sweep; this many a turn. */
  expiryBatch: 500,
  /** And this long after their time: whoever read one just before has long finished with it. */
  expiryGraceMs: 3_600_000,
  /** Errors and dead leases together; the third ends the job. */
  maxFailures: 3,
  /** Restarts of its worker's process between two checkpoints: a job that takes its whole machine down ends here. */
  maxRestarts: 20,
  /** Attempts whose place a record names; a job has more only when machines keep going away under it. */
  maxPlacements: 50,
  /** A first retry waits this long, doubled each time: enough for a store to come back. */
  retryDelaySeconds: 2,
  /** How long SIGTERM may take to finish the running step and give the job back. */
  drainSeconds: 60,
  /** The container's stop timeout: longer than the drain, shorter than the 120 s that ECS allows. */
  stopTimeoutSeconds: 110,
  /** Loading and hashing a bundle; a large one reads some 20 GB from disk. */
  bundleLoadSeconds: 600,
  /** Text embeddings that a render child remembers: 30 prompts of UMT5-XXL (8 MB each), thousands of the bundled model's. */
  embedCacheBytes: 268_435_456,
  /** Words of a prompt that a warning names, and letters of one: who wrote in another language sees that at ten. */
  toldWords: 10,
  toldWordChars: 40,
  /** Bundles whose files come to this share of the memory stay loaded; tensors in work, the encoder and the page cache need the rest. */
  loadedBundlesShare: 0.5,
  /** A render child larger than this share of the memory after a task is replaced: its next task may not fit. */
  childMemoryShare: 0.75,
  /** And after so many tasks, because what ONNX Runtime leaks in a task adds up; loading again is a small part of a hundred tasks. */
  tasksPerChild: 100,
  /** Files a bundle lists: graphs, weights and goldens of a handful of components. */
  maxBundleFiles: 1_000,
  /** Ranges of a bundle that are fetched at once, and bytes of each: S3 gives one connection some 90 MB/s, a GPU instance has 25 Gbit/s. */
  bundleRanges: 16,
  bundleRangeBytes: 8_388_608,
  /** A connection that sends nothing for this long is given up and the rest asked for again; S3 answers in 0.2 s. */
  bundleStallMs: 10_000,
  /** Attempts of one range without progress, the first wait between them and the longest: half a minute in all. */
  bundleTries: 8,
  bundleRetryMs: 200,
  bundleRetryMostMs: 5_000,
  /** How often a process looks whether another one has fetched the bundle that both want. */
  bundleWaitMs: 250,
  /** How often the log tells how far a fetch is. */
  bundleNewsMs: 10_000,
  /** Parts of an upload: S3 takes 5 MiB to 5 GiB, 10,000 of them at most; a larger file gets larger parts. */
  uploadPartBytes: 8_388_608,
  maxUploadParts: 10_000,
  uploadParts: 4,
  /** A worker beats into its health file this often, and is stuck after so long without: a beat may be late by one slow disk write. */
  healthBeatMs: 5_000,
  healthStaleMs: 30_000,
  /** No answer of any store for so long is a hang: an idle worker's long poll ends every ten seconds, a busy one beats in its lease. */
  healthAnswerMs: 240_000,
  /** A first use of CUDA loads a GB of libraries from a cold disk; a driver that hangs must not keep a worker from saying so. */
  probeSeconds: 120,
  /** Threads of one inference where nobody says how many: more give a small model nothing, and the encoder needs cores too. */
  defaultThreads: 4,
  /** Two experts of 14 B parameters in float32 with their text encoder are some 135 GB. */
  maxBundleBytes: 200_000_000_000,
  /** Frames times width times height: over four times 121 frames of 1280x704, and 6 GB as float32. */
  maxClipPixels: 500_000_000,
  /** The largest tokenizer.json, of UMT5-XXL, has 17 MB. */
  maxBundleJsonBytes: 100_000_000,
  /** protobuf's own limit of one message; larger weights lie in files beside the graph. */
  maxGraphBytes: 2_147_483_647,
  /** The largest exported denoisers have some 20,000; a hostile graph has millions, or functions that come to billions. */
  maxGraphNodes: 500_000,
  /** The largest constant is UMT5-XXL's table of words, 4.2 GB in float32; one of absurd size must not be asked of the allocator. */
  maxTensorBytes: 16_000_000_000,
  /** One network run of the largest supported model on a slow machine; a child that says nothing for longer counts as hung. */
  stepSeconds: 900,
  /** Long-poll of the queue: SQS allows 20 s. */
  queueWaitSeconds: 10,
  /** A worker of several residency classes asks one queue for so long before it looks at the next: SQS counts in seconds. */
  enclaveWaitMs: 1_000,
  /** Every fourth look of such a worker begins with another class than the most restricted one, so that none waits for ever. */
  enclaveTurns: 4,
  /** The embedded queue looks this often: a person watches it. */
  localQueuePollMs: 100,
  /** Outbox rows older than this are sent again by the sweeper: the relay beside the request has had its chance. */
  outboxGraceSeconds: 5,
  /** What a record owes and could not pay is tried again this much later. */
  unpaidDelaySeconds: 20,
  /** Earlier attempts whose leavings a completed job's removal names; those of still earlier ones go with the job. */
  removedAttempts: 50,
  /** How often a worker sweeps: outbox rows, expired artifacts, leases of dead processes. */
  sweepEverySeconds: 5,
  /** No pool for a class for so long, and its jobs are over: an operator sees the log and mends a wrong setting before. */
  unservedMinutes: 30,
  /** The schedule looks every minute; after this long without a look nobody knows what was served meanwhile. */
  unservedGapMinutes: 5,
  /** A worker whose store or queue is out waits this long, doubled up to the second: an outage must not be hammered. */
  backoffFirstMs: 1_000,
  backoffMostMs: 10_000,
  /** Rows one sweep handles, so that no sweep holds the store for long. */
  sweepBatch: 100,
  /** A slow phone sends a reference image in this time; a client that holds a socket open without sending does not get longer. */
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 15_000,
  /** A server that was killed a moment ago may hold its port for another second or two. */
  portTries: 8,
  portRetryMs: 250,
  /** What 429 and 503 tell the client to wait. */
  retryAfterMs: 2_000,
  /** The embedded log is turned over at this size, and one older part kept. */
  maxLogBytes: 20_000_000,
  /** JSON body: a prompt and a handful of numbers. */
  maxBodyBytes: 1_048_576,
  /** Body with a reference, of a front that is ours: the largest reference image and its fields. */
  maxMultipartBytes: 7_340_032,
  /** And behind Lambda, whose synchronous events have 6 MB: the body in base64, and 291 KB for headers and the rest of the event. */
  maxLambdaBodyBytes: 4_500_000,
  /** A reference image: what a multipart body of our own front can carry; a 12-megapixel JPEG of a phone has 4 MB. */
  maxReferenceImageBytes: 7_000_000,
  /** A reference video. Uploads end with the body; a stored video that an edit names has 20 Mbit/s for its seconds. */
  maxReferenceVideoBytes: 33_554_432,
  /** Stored references and videos in memory at once, to make new jobs of: two of the largest. */
  maxLoadedBytes: 67_108_864,
  /** Pixels of a reference image: phones make 12 million, cameras 24 to 33; each is 3 bytes when decoded. */
  maxReferencePixels: 33_000_000,
  /** Pixels of a reference video's frame: 4096x2304, the largest that H.264 level 5.1 has; a decoder keeps up to 16 of them. */
  maxReferenceFramePixels: 9_437_184,
  /** Length and frames of a reference video: only as much as the request makes is read, and no model makes a minute. */
  maxReferenceSeconds: 120,
  maxReferenceFrames: 7_200,
  /** Bytes that were stored for a job that was then not made go after this long: no request takes so long to make its job. */
  referenceGraceMs: 3_600_000,
  /** Parts of a multipart body: every known field once and sixteen metadata entries fit easily. */
  maxParts: 64,
  /** Metadata as OpenAI allows it. */
  maxMetadataEntries: 16,
  maxMetadataKeyChars: 64,
  maxMetadataValueChars: 512,
  /** Ids are 6 + 26 characters, and 25 more where they name a class; anything much longer is not one of ours. */
  maxIdChars: 64,
  /** A page of the list, as OpenAI's API has it. */
  listDefault: 20,
  listMax: 100,
  /** Jobs that may wait, of all tenants: a day's work for a few GPUs; REELAY_MAX_QUEUED changes it. */
  maxQueuedJobs: 20_000,
  /** Tenants whose queue heads one choice looks at; of more that wait at once, the first by name. */
  fairTenants: 256,
  /** Letters that a queue wrote itself are rare, and looking at letters hides them for a moment: every so many sweeps. */
  rareSweepTurns: 12,
  /** ECS keeps a protected task this long without a renewal; half of it is well over a beat, all of it over a lease. */
  taskProtectionMinutes: 10,
  /** How often the Spot notice is asked for; it comes two minutes before the end. */
  spotNoticePollMs: 5_000,
  /** A worker notes how long its jobs take at most this often: the note is an estimate's input. */
  paceEveryMs: 60_000,
  /** The counts behind queue positions and ETAs may be this old. */
  countsKeptMs: 1_000,
  /** Queue positions are counted up to here: what is further back hardly cares how far. */
  maxPosition: 1_000,
  /** Jobs wait but none may start (delays, caps): a worker looks again after this long. */
  nothingMayStartSeconds: 1,
  /** Running jobs whose leases one sweep watches; more than any one installation runs. */
  watchBatch: 1_000,
  /** A client's own retries come within seconds; two equal requests further apart than this are two. */
  collapseSeconds: 120,
  /** A request that was held up for longer makes no job any more: its client has asked again, and may have deleted what that made. */
  submitSeconds: 300,
  /** A removed job's id stays taken this long: a process that was asleep overnight may still write for it when it wakes. */
  tombstoneHours: 24,
  /** How long an idempotency key stands for its job. */
  idempotencyHours: 48,
  /** As long as a UUID several times over, and short enough for a key. */
  maxIdempotencyKeyChars: 255,
  /** Dead letters are kept this long (SQS allows no more), and longer than any message waits in the queue. */
  deadLetterDays: 14,
  /** Messages of the job queue are kept this long. */
  messageDays: 4,
  /** How long one look at a dead letter hides it from others. */
  letterLeaseSeconds: 60,
  /** Letters of other reasons that one redrive holds back while it looks for its own. */
  maxLettersPassedOver: 10_000,
  /** A checkpoint is written when so much work would be lost: 30 s of it, or ten steps. */
  checkpointEveryMs: 30_000,
  checkpointEverySteps: 10,
  /** A checkpoint older than this is not resumed: its bytes are to be gone by then. */
  checkpointHours: 24,
  /** SQS counts receives, and waits are receives too: past this many a message is sent afresh instead of shown again. */
  maxReceives: 4,
  /** SQS hides a message for 12 hours at most: an hour before, a running job's message is sent afresh. */
  messageHoldHours: 11,
  /** The longest a job waits after an outage of a store before it is tried again. */
  retryDelayMostSeconds: 20,
  /** No message is delayed for longer; one that seems to be was sent before the wall clock was set back. */
  longestDelaySeconds: 180,
  /** With less room than this on its disk a worker takes no job: a long clip and its checkpoints must fit. */
  minFreeBytes: 200_000_000,
  /** A pause that a render child does not answer for this long ends with the last checkpoint it wrote. */
  pauseGraceMs: 30_000,
  /** Artifacts are kept this long, then the record says `expires_at` and the bytes go. */
  artifactDays: 30,
  /** Own root and leaf of C2PA. Without a time stamp a reader asks whether the leaf is valid today, so it must outlast the archive. */
  c2paRootDays: 9_131,
  c2paLeafDays: 3_653,
  /** Signing holds a file six times over, 1.2 GB for one of this size; a minute at the encoder's 20 Mbit/s has 150 MB. */
  c2paFileBytes: 209_715_200,
  /** A C2PA box: ours have 6 kB, and what references bring along is added; a larger one is a bomb or no provenance. */
  c2paManifestBytes: 16_777_216,
  /** Boxes at the top of a file that is read: the library takes the square of their number, 0.3 s for so many. */
  c2paBoxes: 10_000,
  /** A thread with the C2PA library may take this long, and so much more per MB of files: ten times what it takes. */
  c2paSeconds: 10,
  c2paSecondsPerMegabyte: 0.5,
  /** A signature of a key service, with its retries, and of a time stamp's server; a service that needs longer is out. */
  signatureSeconds: 60,
  /** Payloads that a job asks for before it gives up: of a million jobs some 29 meet another's once, and none ever did twice. */
  markTries: 16,
  /** After a file of this size the C2PA library's memory, which only grows, is given back: 160 MB of it, and 0.2 s to start again. */
  c2paKeptBytes: 20_000_000,
  /** Files that a tenant may have verified in a minute: a tenth of a second to four seconds of CPU each, one after the other. */
  verifyPerMinute: 20,
  /** A presigned link lives this long: one download of a large file over a slow line. */
  presignSeconds: 900,
  /** Before it takes jobs a worker asks each resource once; one that has not answered for so long is not reached. */
  preflightMs: 10_000,
  /** AWS refuses requests that are five minutes off; a clock that is half way there has lost its NTP and will be. */
  maxClockSkewSeconds: 150,
  /** A signed-in studio's cookie reads videos for this long, a working day and its evening; the page asks for a new one every hour. */
  mediaCookieHours: 12,
  /** Comment line that keeps a server-sent stream open through proxies. */
  sseCommentSeconds: 15,
  /** The longest a server-sent stream is held; EventSource reconnects by itself. */
  sseMaxSeconds: 3_600,
  /** How often a stream looks at the record. */
  ssePollMs: 200,
  /** How often a stream counts the jobs before a queued one, which costs more than a look at its record. */
  ssePositionMs: 1_000,
  /** Streams one process holds, each costing a look at the record every `ssePollMs`. */
  sseMaxStreams: 256,
  /** Of them a tenant's with a key: three quarters, so that one customer does not take them all. */
  sseMaxTenantStreams: 192,
} as const;

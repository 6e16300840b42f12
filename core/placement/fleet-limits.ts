/** The numbers of the one controller that moves the fleet, each with its reason. */
export const fleetLimits = {
  /** A worker tells that it is there this often: one small write a minute. */
  presenceBeatSeconds: 60,
  /** And counts as gone when it has not for three beats: two may be lost. */
  presenceSeconds: 180,
  /** Workers that one look reads; a cell has at most 1,000 GPUs. */
  maxWorkers: 2_000,
  /**
   * From its machine on a server of which nobody hears counts as launching this long, then as lost: the image takes up to six minutes, then
   * the largest bundle is loaded and hashed. One that is heard of after all is a server again.
   */
  bootSeconds: 600,
  /**
   * An order without a machine after this long counts as refused: ECS asks EC2 within a minute, EC2 gives one in 30 to 90 s, and ECS itself gives up after 10 to 30 minutes
   * and says nothing until then. The order is taken back and the next dearer pool is asked, all within the 300 s that the pool rests.
   */
  capacityWaitSeconds: 240,
  /**
   * ECS answers in a tenth of a second; a call without an answer after this long, connecting included, is tried once more. A look makes three in a row, so that a
   * hang is found before the function's own 30 s are over, and is no decision.
   */
  fleetCallMs: 3_000,
  fleetCallTries: 2,
  /** Protection of those that stay while others are stopped: as long as a worker's own, so that it never shortens that. */
  protectMinutes: 10,
  /** Waiting jobs that one look reads, some 130 read units; a longer queue keeps every fleet at its maximum anyway. */
  maxWaitingRead: 5_000,
  /** Entries of the queue that a decision sees; more become buckets of neighbours. A logged decision stays below 256 kB. */
  maxWaitingSeen: 500,
  /** A running job whose worker is not there counts as waiting after a lease: someone must come to take it over. */
  ownerlessSeconds: 120,
  /** Ownerless jobs remembered; more than that at once are a lost region, and some suffice to bring a server. */
  maxOwnerless: 50,
  /** Arrivals and starts remembered so that none is learned twice, some 30 bytes each; older ones are never learned again. */
  maxFolded: 300,
  /** Idle servers whose idle time is remembered; it only orders who stops first. */
  maxIdleKept: 64,
  /** Silent servers remembered, those that have been for the longest: no more are found lost at once. */
  maxSilent: 64,
  /** Servers that are on their way out or still protected, remembered by name: a step of the largest fleet. */
  maxNamed: 300,
  /** What is remembered in all: one item, one write unit per kB. */
  maxMemoryBytes: 25_000,
  /** Whoever lost the race for the memory, or heard of a job before the lists show it, has everyone look again after this long. */
  raceSeconds: 2,
  /** Lost races in a row before the news is given back to whoever sent it. */
  maxRaces: 5,
  /** SQS delays a message by 15 minutes at most; what is later is the schedule's. */
  maxWakeSeconds: 900,
  /** Work waits and nothing runs or launches for this long: the alarm's threshold, twice the longest usual cold start. */
  stuckSeconds: 600,
} as const;

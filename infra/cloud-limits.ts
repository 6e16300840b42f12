/**
 * Numbers that concern deployed resources only, each with its reason; everything that the product itself counts on is in
 * core/limits.ts and core/drop/drop-limits.ts.
 */
export const cloudLimits = {
  /** Requests a second that the API lets through, and at once: polling clients of a hundred jobs; more than that uses webhooks. */
  apiRequestsPerSecond: 50,
  apiBurst: 200,
  /** SQS allows 20 s of waiting; the workers say their own, this is for others who look. */
  longPollSeconds: 20,
  /** Dropped bytes are in a job or in rejected/ long before; shorter than the registry's memory, so that none comes back as new. */
  dropDays: 7,
  /** Artifacts go with their record after limits.artifactDays; what a dead worker wrote after that goes this much later. */
  orphanedArtifactDays: 7,
  /** Days of a year of the audit ledger's retention, which is counted in days. */
  auditYearDays: 365,
  /** Parts of an upload that never ended. */
  multipartDays: 2,
  /** Outputs of drops that nobody fetched for a month move to where rarely read bytes cost less. */
  outTieringDays: 30,
  /** An S3 event that finds its queue out is tried again so often, then it is a letter; the reconciler would find the drop anyway. */
  dropEventRetries: 8,
  /** A drop that fails is taken up again by a later message or by the reconciler. */
  dropReceives: 5,
  /** Lambda polls a queue for a function: AWS asks for six times the function's timeout. */
  visibilityPerTimeout: 6,
  /** A job may wait this long before someone is told. */
  oldestJobAlarmMinutes: 30,
  /** The autoscaler says so every minute; a gap of five is a dead autoscaler. */
  deadManMinutes: 5,
  /** gp3 without more brings 125: image and weights are read at the start of each machine, and it costs cents an hour while it runs. */
  diskMiBPerSecond: 500,
  /** Bundles that stay on a machine: half of its disk; the image, the system and the attempts have the other half. */
  cacheShareOfDisk: 0.5,
  /** A managed machine without a task goes after this long; the autoscaler has decided already how long a task stays. */
  idleInstanceSeconds: 60,
  /** Changes of the table are told to the autoscaler in bundles: a second more of waiting, a hundredth of the runs. */
  streamBatch: 100,
  streamWindowSeconds: 1,
  /** News older than this is no news: the autoscaler reads the records anyway. */
  streamNewsSeconds: 300,
  streamRetries: 3,
  /** Wake-ups that are run at once, the fewest that Lambda lets a queue have: nothing else holds them where no runs are reserved. */
  wakeConcurrency: 2,
  /** A wake-up is refused while all runs that there are are taken, which counts as received: AWS asks for five at least. The schedule's comes anyway. */
  wakeReceives: 10,
  /** Zones of the GPU network: its /16 holds 16 subnets of 4,096 addresses, two a zone with NAT; no region has more than six zones. */
  maxZones: 6,
  /** Classes of a stage: each takes 1,100 to 1,300 of the 6,144 characters that the rights of a pool on the premises may have. */
  maxClasses: 4,
  /** What CloudFormation takes. */
  maxTemplateBytes: 1_000_000,
  maxTemplateResources: 500,
  /** What a Lambda function's environment holds, all names and values together. */
  maxEnvironmentBytes: 4_096,
} as const;

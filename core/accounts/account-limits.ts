/** Every size, time and count of accounts, each with its reason; test/accounts/account-limits.test.ts holds their relations. */
export const accountLimits = {
  /** The largest amount that is ever added up, in micro-dollars: 4 billion dollars, so that two of them still are a safe integer. */
  maxMicros: 4_000_000_000_000_000,
  /** A million dollars for one job: more is a mistake in the price list. */
  maxJobMicros: 1_000_000_000_000,
  /** A thousand dollars a second likewise. */
  maxRateMicros: 1_000_000_000,
  /** A budget: a billion dollars. The sum of what is spent and held below it and one more job stay below `maxMicros`. */
  maxBudgetMicros: 1_000_000_000_000_000,
  /** Where GPU time is what costs, a job is held at its estimate times this: what runs longer is not charged for. */
  gpuSecondsMargin: 1.5,
  /** Percentages of a budget that are told, once each and period. */
  budgetAlerts: [80, 100],
  /** Of one tenant, for good: rotation keeps two a purpose live; dead ones make room (`forgetKeysAfterDays`). */
  maxKeys: 100,
  /** Live keys of one purpose: the old and the new one while a deploy goes round. */
  liveKeysPerPurpose: 2,
  /** What a rotated key goes on for unless its owner says otherwise, and at most: a deploy, a month of vacations. */
  rotationHours: 24,
  maxRotationHours: 720,
  /** A revoked or expired key stays in the list this long, for whoever asks what it was. */
  forgetKeysAfterDays: 90,
  /** A key that was listed and not written by then never will be: its maker died between the two writes. */
  halfMadeKeyMs: 3_600_000,
  /** What was read of a key or a tenant counts for so long in a process: within it a revocation takes effect everywhere. */
  keyStaleMs: 10_000,
  /** Keys and tenants that one process remembers; an installation has hundreds. */
  rememberedKeys: 1_000,
  /** A key's last use is written down at most this often: a write for each request would cost more than the request. */
  lastUsedEveryMs: 3_600_000,
  /** A longer header carries no key of ours; it is cut, so that hashing it costs no more than hashing a key. */
  maxKeyChars: 128,
  maxNameChars: 128,
  maxTenantChars: 40,
  /** Buckets of requests that one process keeps; a full one is like one never used, so those go first. */
  rememberedBuckets: 10_000,
  /** Operations on one tenant's ledger that one write carries, for as many as wait: each adds some 400 bytes to it. */
  ledgerBatch: 64,
  /** Markers in a ledger before those left by dead processes are cleared first: with a batch more it still has half of an entry's room. */
  maxMoving: 160,
  /** Rows of usage that a ledger collects before they go to the day's entry; the sweep takes them away sooner. */
  maxUsageRows: 64,
  /** A write that met another one waits a random part of this, doubled up to the second, and gives up after so many. */
  retryFirstMs: 2,
  retryMostMs: 400,
  ledgerTries: 100,
  /** A slice of the installation's budget: this part of what is left, or what the job needs. */
  sliceDivisor: 8,
  /** Nothing was left to reclaim: tenants' unused slices are not looked through again for so long. */
  dryMs: 1_000,
  /** Tenants whose slices one reclaim looks at. */
  reclaimBatch: 256,
  /** Tenants that an installation's budget can name in one entry of 300,000 bytes, day and month. */
  maxSlicedTenants: 2_000,
  /** What a ledger owes (markers, usage, events) is paid by the sweep after this long if nobody did before. */
  ledgerGraceMs: 60_000,
  /** A hold without a job is given back after this long: twice the time after which a submit makes no job any more. */
  holdGraceMs: 600_000,
  /** A request that comes again finds its hold; one so old that it might be given back any moment is renewed. */
  holdRenewMs: 300_000,
  /** And looked at again this often while its job waits or runs. */
  holdLookMs: 3_600_000,
  /** Holds and ledgers that one sweep looks at. */
  sweepBatch: 100,
  /** A closed hold is kept this long for questions; a replay that comes later finds no hold and charges nothing. */
  closedHoldDays: 35,
  /** A period's sums stay this long after its end for late clocks, and longer while a job of it is open. */
  periodGraceMs: 86_400_000,
  /** Usage by day is kept this long: a year and a month to compare it with. */
  usageDays: 400,
  /** Days that one report may span. */
  maxReportDays: 366,
} as const;

/** Every timeout, size and count of webhooks, each with its reason; test/core/webhooks/webhook-limits.test.ts holds their relations. */
export const webhookLimits = {
  /** Endpoints of one tenant: each event costs a write for each of them. */
  maxEndpoints: 16,
  /** What browsers and proxies still carry. */
  maxUrlChars: 2_048,
  maxNameChars: 128,
  /** A rotated secret may go on signing this long, as OpenAI's API has it: a deploy of every receiver. */
  oldSecretHours: 24,
  /** What is kept of the tries of one delivery: two rounds of ten, so that a replay does not push out what it repeats. */
  logEntries: 20,
  /** Ended deliveries stay this long for the log and for replays: two weeks of on-call. */
  logDays: 14,
  /** This many deliveries in a row died, none got through between them: nobody is there. */
  disableAfterDead: 3,
  /** A receiver's answer is read up to here and thrown away: its status is all that counts. */
  maxAnswerBytes: 4_096,
  /** Sends at a time to one endpoint, or to one host of job URLs: its owner sized it for a trickle. */
  laneWidth: 4,
  /** Endpoints served at a time while they answer, and while they do not: the second kind never takes the places of the first. */
  wellLanes: 64,
  sickLanes: 32,
  /** Of each kind, places that one tenant may take. */
  tenantLanes: 16,
  /** Due endpoints looked at in one round; far more than the places. */
  laneBatch: 500,
  /** Due deliveries of one endpoint fetched at a time. */
  deliveryBatch: 32,
  /** A lane with nothing to do is forgotten after this. */
  laneDays: 30,
} as const;

/** The times of delivering; a harness shortens them all alike. */
export interface WebhookTiming {
  /** For the whole exchange, name lookup to status. */
  readonly timeoutMs: number;
  /** Wait after the first, second … failed try, before up to a quarter more by chance; one try more than there are waits. */
  readonly retryWaitsMs: readonly number[];
  /**
   * Tries end so long after the first one, whatever their number: of a receiver that is silent and gets more than it is tried for, the
   * old go instead of piling up for ever.
   */
  readonly giveUpMs: number;
  /** A try that has not reported by then is taken to have died with its process, and is made again. */
  readonly claimMs: number;
  /** An endpoint's turn: then the others have theirs. */
  readonly turnMs: number;
  /** How long one process keeps an endpoint to itself: a turn, the sends that started in it, and a slow store. */
  readonly holdMs: number;
  /** How far the lists of a store may lag behind its writes: an endpoint with nothing due is looked at once more after this. */
  readonly settleMs: number;
  /** An endpoint that answers slower than this is served among those that do not answer. */
  readonly slowMs: number;
  /** How often the dispatcher looks for due endpoints: nobody notices a fifth of a second in a webhook. */
  readonly pollMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Ten tries from 5 s to 24 h apart (RELIABILITY §2), 65 hours together at the least: a restart is over after the first waits, a bad
 * deploy after the middle ones, and a receiver that dies on Friday at six is tried again on Monday morning.
 */
const RETRY_WAITS_MS = [
  5_000,
  30_000,
  3 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  4 * HOUR_MS,
  12 * HOUR_MS,
  24 * HOUR_MS,
  24 * HOUR_MS,
];

/** The times as they are outside of harnesses. */
export const webhookTiming: WebhookTiming = {
  timeoutMs: 10_000,
  retryWaitsMs: RETRY_WAITS_MS,
  giveUpMs: 5 * 24 * HOUR_MS,
  claimMs: 20_000,
  turnMs: 10_000,
  holdMs: 30_000,
  settleMs: 5_000,
  slowMs: 2_000,
  pollMs: 200,
};

/** Tries a delivery gets. */
export function maxTries(timing: WebhookTiming): number {
  return timing.retryWaitsMs.length + 1;
}

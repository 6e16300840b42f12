/**
 * What went wrong, as data. `retryable` is decided here by code, never by message: a caller that sees `retryable: true` may do
 * the same thing again and hope; with `false` the same input fails the same way.
 */
const RETRYABLE = {
  invalid_request: false,
  model_not_found: false,
  unsupported_operation: false,
  not_supported: false,
  unauthorized: false,
  forbidden: false,
  policy_denied: false,
  likeness_consent_required: false,
  budget_exceeded: false,
  max_cost_exceeded: false,
  tenant_limit: false,
  not_found: false,
  video_not_ready: false,
  payload_too_large: false,
  unsupported_media_type: false,
  method_not_allowed: false,
  range_not_satisfiable: false,
  idempotency_key_reused: false,
  residency_unsatisfiable: false,
  deadline_unattainable: false,
  deadline_exceeded: false,
  queue_full: true,
  rate_limited: true,
  conflict: true,
  lease_lost: false,
  cancelled: false,
  invalid_reference: false,
  bundle_corrupt: false,
  bundle_invalid: false,
  render_failed: true,
  renderer_lost: true,
  marking_failed: false,
  provider_unavailable: true,
  store_unavailable: true,
  expired: false,
  port_unavailable: false,
  internal: true,
} as const;

/** What went wrong, one word a cause; doors map it to a status, workers to a retry. */
export type ErrorCode = keyof typeof RETRYABLE;

/** One thing wrong with an input: where (wire path), and a sentence that says what was got and what is allowed. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** What an error may have beside its code and sentence. */
interface ErrorOptions extends Partial<Pick<ReelayError, 'retryable' | 'problems' | 'retryAfterMs' | 'details'>> {
  readonly cause?: unknown;
}

/** The one error type of the product: a code that decides, a sentence for people, the `cause` for the log. */
export class ReelayError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly problems: readonly Problem[];
  /** When the same thing may be worth trying again; null where nobody can say. */
  readonly retryAfterMs: number | null;
  /** Further fields of the error as a client is told it, such as the sums of a budget; for the client's eyes. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ReelayError';
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE[code];
    this.problems = options.problems ?? [];
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.details = options.details ?? {};
  }
}

/** More sentences than this nobody reads, and a small request must not earn a huge answer. */
const MAX_TOLD = 20;

/** Every problem of one input as one error: the sentences in the message (of very many the first), the first path as `param`. */
export function invalidRequest(problems: readonly Problem[], code: ErrorCode = 'invalid_request'): ReelayError {
  const told = problems.slice(0, MAX_TOLD).map(p => p.message);
  if (problems.length > MAX_TOLD) told.push(`And ${problems.length - MAX_TOLD} more.`);
  return new ReelayError(code, told.join(' '), { problems });
}

const MAX_FRAMES = 5;

/** An error's name and stack frames for a log: never its message, which may quote what it was given. */
export function placeOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [typeof error];
  const frames = (error.stack ?? '').split('\n').filter(line => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, MAX_FRAMES).map(line => line.trim())];
}

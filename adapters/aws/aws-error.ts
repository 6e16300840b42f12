import { ReelayError } from '#core/errors.ts';

/**
 * An error of an AWS call as `store_unavailable`, with the service's own name for it; the SDK has already retried what is worth it.
 * A ReelayError passes as it is.
 */
export function fromAws(error: unknown, what: string): ReelayError {
  if (error instanceof ReelayError) return error;
  const why = error instanceof Error ? error.name : 'unknown error';
  return new ReelayError('store_unavailable', `${what} did not answer as it should (${why}).`, { cause: error });
}

/** Whether it is the service error of one of these names; errors are told apart by name, never by message. */
export function isAwsError(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

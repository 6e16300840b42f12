import { ReelayError } from '#core/errors.ts';

const USAGE: ReadonlySet<string> = new Set([
  ...['invalid_request', 'model_not_found', 'unsupported_operation', 'residency_unsatisfiable'],
  ...['policy_denied', 'likeness_consent_required'],
]);

/** Says an error in a sentence on stderr and returns the exit code: 2 for a bad request, 1 for everything else. */
export function explain(error: unknown): number {
  if (error instanceof ReelayError) {
    process.stderr.write(`reelay: ${error.message}\n`);
    return USAGE.has(error.code) ? 2 : 1;
  }
  process.stderr.write(
    `reelay: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

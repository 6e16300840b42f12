import { ReelayError } from '#core/errors.ts';
import { NotFiniteError } from '#gpu-container/engine/frames.ts';
import type { Model } from './model.ts';

/** Sentences of the engine begin with where: "vae_encoder: …". Those of the language ("Array buffer allocation failed") do not. */
const OWN_SENTENCE = /^[a-z][\w ./-]*: /;

/**
 * Throws what a user can act on: the same job would fail the same way, so neither is worth another try. Everything else is thrown as it
 * is.
 */
export function translated({ bundle }: Pick<Model, 'bundle'>, error: unknown): never {
  if (error instanceof NotFiniteError)
    throw new ReelayError('render_failed', `The model gave no picture: ${error.message}.`, {
      cause: error,
      retryable: false,
    });
  if (error instanceof RangeError && OWN_SENTENCE.test(error.message))
    throw new ReelayError('bundle_invalid', `${bundle.name}: ${error.message}`, { cause: error });
  throw error;
}

import { ReelayError } from '#core/errors.ts';
import type { Provider } from '#core/provider.ts';

/** REELAY_PROVIDER: cpu or cuda, cpu unless it is said (the GPU image says cuda). Throws `invalid_request` for anything else. */
export function providerFrom(env: Readonly<Record<string, string | undefined>>): Provider {
  const text = env.REELAY_PROVIDER?.trim() || 'cpu';
  if (text === 'cpu' || text === 'cuda') return text;
  const got = text.slice(0, 80);
  throw new ReelayError('invalid_request', `REELAY_PROVIDER: got "${got}"; cpu and cuda are allowed.`);
}

import type { Principal } from '#core/accounts/authenticate.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { ReelayError } from '#core/errors.ts';
import { reviewerOf } from '#functions/policy-wire.ts';
import { type Embedded, openEmbedded } from '#local/embedded.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** Somebody at the command line, and the data folder they act on. */
export interface AtWork {
  readonly embedded: Embedded;
  readonly principal: Principal;
  readonly reviewer: ReturnType<typeof reviewerOf>;
}

/** Runs `work` on the data folder as the key of `REELAY_API_KEY`, or without one as the operator at the machine, who is one person. */
export async function asWhoever<T>(work: (at: AtWork) => Promise<T>): Promise<T> {
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
  try {
    const key = process.env.REELAY_API_KEY ?? '';
    if (key !== '' && !key.startsWith('rly_'))
      throw new ReelayError('unauthorized', 'REELAY_API_KEY: this is no key of this data folder.');
    const principal = await embedded.deps.authenticate(key === '' ? undefined : `Bearer ${key}`);
    if (isRefusal(principal)) throw refusedError(principal);
    const reviewer = reviewerOf({ principal, tenant: principal.tenant });
    return await work({ embedded, principal, reviewer });
  } finally {
    await embedded.close();
  }
}

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Accounts, type AccountsParts, createAccounts } from '#core/accounts/accounts.ts';
import { freePrices } from '#core/accounts/price-list.ts';

/** The accounts of a process on these stores; everything is free unless a price list says otherwise. */
export function accountsFor(parts: Pick<AccountsParts, 'kv' | 'events'> & Partial<AccountsParts>): Accounts {
  return createAccounts({
    enqueueDeliveries: async () => undefined,
    prices: freePrices,
    now: () => Date.now(),
    random: randomBytes,
    sleep: ms => sleep(ms),
    ...parts,
  });
}

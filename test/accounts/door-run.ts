/** Submits over HTTP against a budget that fits some of them, while somebody reads the ledger all the time. */

import { setTimeout as sleep } from 'node:timers/promises';
import { localPrincipal } from '#core/accounts/authenticate.ts';
import { committed } from '#core/accounts/budget.ts';
import { parsePriceList } from '#core/accounts/price-list.ts';
import { createTenant, setInstallationBudget } from '#core/accounts/tenants.ts';
import { readSums } from '#core/accounts/usage-report.ts';
import { CARD } from '#test/core/model-card.ts';
import { type CardServer, startCardServer } from '#test/functions/card-server.ts';
import { keyIsTenant } from '#test/functions/key-is-tenant.ts';
import { holdsOf, sha256 } from './account-world.ts';

/** Micro-dollars of each of these videos: two seconds at 0.12345 dollars. */
const PRICE = 246_900;
const LIST = JSON.stringify({ version: 'v1', prices: { '*': { unit: 'output_second', rates: { '*': '0.12345' } } } });

/** What came of it. */
export interface DoorRun {
  readonly budget: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Of all 402: whether each said the sums. */
  readonly told: boolean;
  /** The sum of all open holds, the ledger's own sum, and the most that any read of the ledger showed. */
  readonly held: number;
  readonly committed: number;
  readonly most: number;
  readonly reads: number;
  readonly jobs: number;
  readonly ms: number;
}

/** `count` submits at once against a budget of the tenant, or of the installation, that fits exactly `fits` of them. */
export async function runDoor(count: number, fits: number, whose: 'tenant' | 'installation'): Promise<DoorRun> {
  const server = await startCardServer(
    [CARD],
    ports => ({
      ...keyIsTenant,
      authenticate: async () => localPrincipal(await ports.accounts.tenant('acme')),
    }),
    { prices: parsePriceList(LIST, 'REELAY_PRICES', sha256) },
  );
  try {
    const budget = fits * PRICE;
    const day = (budget / 1e6).toFixed(6);
    await createTenant(server.deps, 'acme', whose === 'tenant' ? { budget: { day } } : {});
    if (whose === 'installation') await setInstallationBudget(server.deps, { day: budget, month: null });
    return await submitAll(server, count, budget);
  } finally {
    await server.close();
  }
}

async function submitAll(server: CardServer, count: number, budget: number): Promise<DoorRun> {
  const { deps } = server;
  const startMs = performance.now();
  let isOver = false;
  const watching = watch(deps, () => isOver);
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => submitOne(server, n))).finally(() => {
    isOver = true;
  });
  const ms = performance.now() - startMs;
  const { most, reads } = await watching;
  const statuses: Record<number, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  const refused = answers.filter(({ status }) => status === 402);
  const holds = await holdsOf(deps.kv, 'acme');
  const sums = (await readSums(deps, 'acme', null, deps.now())).day;
  return {
    budget,
    statuses,
    told: refused.every(
      ({ body }) => body.error.code === 'budget_exceeded' && body.error.budget.asked_usd === '0.2469',
    ),
    held: holds.reduce((sum, { closed, terms }) => sum + (closed === null ? terms.held : 0), 0),
    committed: committed(sums),
    most,
    reads,
    jobs: await deps.store.countQueued(count + 1),
    ms,
  };
}

/** One client: it asks again, with the same key, while the server is too busy for it. */
async function submitOne(server: CardServer, n: number): ReturnType<CardServer['call']> {
  for (;;) {
    const answer = await server
      .call('POST', '/v1/videos', {
        body: JSON.stringify({ prompt: `clip ${n}` }),
        headers: { 'content-type': 'application/json', 'idempotency-key': `clip-${n}` },
      })
      .catch(() => undefined); // more connections than it takes at once
    if (answer !== undefined && answer.status !== 429) return answer;
    await sleep(50 + Math.random() * 400);
  }
}

/** Reads the tenant's sums until it is over. */
async function watch(deps: CardServer['deps'], isOver: () => boolean): Promise<{ most: number; reads: number }> {
  let [most, reads] = [0, 0];
  while (!isOver()) {
    const { day } = await readSums(deps, 'acme', null, deps.now());
    most = Math.max(most, committed(day));
    reads++;
    await sleep(2);
  }
  return { most, reads };
}

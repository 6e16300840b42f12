/**
 * Random lives of jobs in several processes at once: submits, completions, failures, cancels, repetitions, sweeps and deaths, in an order
 * that a seed repeats. Used by conservation.test.ts and, with many more seeds, by run.ts.
 */
import type { Budgets } from '#core/accounts/budget.ts';
import { sumsOf } from '#core/accounts/ledger-entry.ts';
import { rememberDry } from '#core/accounts/ledger-store.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { sweepLedger } from '#core/accounts/sweep-ledger.ts';
import { readUsage } from '#core/accounts/usage-report.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { asking, broken, budgetsOf, dyingAt, holdsOf, ledgers, seeded, today, type World } from './account-world.ts';

const budgets: Budgets = budgetsOf({
  key: { day: 70, month: 90 },
  tenant: { day: 100, month: 110 },
  installation: { day: 160, month: 170 },
});
const TENANTS = ['acme', 'bolt', 'core'];
const OUTCOMES = ['completed', 'failed', 'cancelled'] as const;

/** What one life came to. */
export interface Life {
  readonly held: number;
  readonly refused: number;
  readonly deaths: number;
  /** Sentences; nothing when all is well. */
  readonly wrong: readonly string[];
}

/** One life of `steps` steps, from a world that was just cleared. */
export async function live(world: World, seed: number, steps: number): Promise<Life> {
  const draw = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(draw() * from.length)]!;
  const calls = { open: 0 };
  const interleaved = turned(world.kv, draw, calls);
  const start = () => {
    const kv =
      draw() < 0.5 ? dyingAt(interleaved, 1 + Math.floor(draw() * 12), draw() < 0.5 ? 'before' : 'after') : interleaved;
    return { kv, ...world.process(kv) };
  };
  const processes = [start(), start(), start()];
  const ports = { ...world.process().ports, dry: rememberDry() };
  const counts = { held: 0, refused: 0, deaths: 0 };
  const wrong: string[] = [];
  const pending = new Set<Promise<unknown>>();
  for (let step = 0; step < steps; step++) {
    const at = Math.floor(draw() * processes.length);
    const process = processes[at]!;
    const [tenant, job] = [pick(TENANTS), `job${Math.floor(draw() * 12)}`];
    const key = pick(['a', 'b']);
    const action = draw();
    const request = asking(`${tenant}-${job}`, 5 + Math.floor(draw() * 30), budgets, {
      tenant,
      keyId: key,
      budgetKey: key,
    });
    const call =
      action < 0.6
        ? process.ledger.hold(request).then(held => void (isRefusal(held) ? counts.refused++ : counts.held++))
        : action < 0.9
          ? process.ledger.close(tenant, `${tenant}-${job}`, { outcome: pick(OUTCOMES), gpuMs: 1 })
          : sweepLedger(world.sweepPorts(budgets.installation, process.kv));
    const done: Promise<unknown> = call
      .catch(() => {
        counts.deaths++;
        processes[at] = start();
      })
      .finally(() => pending.delete(done));
    pending.add(done);
    if (draw() < 0.3) await Promise.all(pending);
    else await turns(Math.floor(draw() * 8));
    if (draw() < 0.2) world.time.nowMs += 90_000; // holds are renewed and given back too
    for (const sentence of await broken(ports, budgets)) wrong.push(`seed ${seed}, step ${step}: ${sentence}`);
  }
  await Promise.all(pending);
  // What a process does after it has answered, and writes of the dead that are still on their way.
  for (let quiet = 0; quiet < 10; quiet = calls.open === 0 ? quiet + 1 : 0) await turns(1);
  return { ...counts, wrong: [...wrong, ...(await atTheEnd(world, seed))] };
}

/** All jobs end, then everything is swept: nothing is held, and holds, sums and usage say the same. */
async function atTheEnd(world: World, seed: number): Promise<string[]> {
  const { ledger } = world.process();
  for (const tenant of TENANTS)
    for (const hold of await holdsOf(world.kv, tenant))
      if (hold.closed === null) await ledger.close(tenant, hold.jobId, { outcome: 'completed', gpuMs: 1 });
  for (let n = 0; n < 3; n++) {
    world.time.nowMs += 700_000;
    await sweepLedger(world.sweepPorts(budgets.installation));
  }
  const wrong: string[] = [];
  for (const [tenant, entry] of await ledgers(world.kv)) {
    const settled = (await holdsOf(world.kv, tenant)).reduce((sum, { closed }) => sum + (closed?.micros ?? 0), 0);
    const used = (await readUsage(world, tenant, { first: today, last: today, by: [] })).total.micros;
    const { spent, held } = sumsOf(entry, today, 't');
    if (held !== 0) wrong.push(`seed ${seed}: ${tenant} still holds ${held}`);
    if (spent !== settled || used !== settled)
      wrong.push(`seed ${seed}: ${tenant} has spent ${spent}, settled ${settled}, used ${used}`);
  }
  return wrong;
}

/** A store whose calls begin and answer a few turns later, each by another number: what several processes do to one another. */
function turned(kv: KeyValueStore, draw: () => number, calls: { open: number }): KeyValueStore {
  const late =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      calls.open++;
      try {
        await turns(Math.floor(draw() * 6));
        const answer = await call(...args);
        await turns(Math.floor(draw() * 6));
        return answer;
      } finally {
        calls.open--;
      }
    };
  return {
    get: late(kv.get),
    create: late(kv.create),
    replace: late(kv.replace),
    put: late(kv.put),
    remove: late(kv.remove),
    list: late(kv.list),
    listDue: late(kv.listDue),
    removeExpired: late(kv.removeExpired),
  };
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise(done => setImmediate(done));
}

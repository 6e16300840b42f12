/**
 * The heavy side of accounts: `test/accounts/run.ts lives [seeds]` (random lives of jobs, some 30 ms each), `processes` (a thousand holds
 * in eight processes of one data folder, of one tenant and of three), `speed` (holds a second on SQLite and against a DynamoDB in memory).
 * Prints a line a figure and exits 1 when anything is wrong.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { type Budgets, noBudget } from '#core/accounts/budget.ts';
import { createLedger, type Ledger } from '#core/accounts/ledger.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { startAwsServers } from '#test/contracts/aws-servers.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { asking, budgetsOf, completed, openWorld } from './account-world.ts';
import { live } from './conservation.ts';
import { submitInProcesses } from './submit-processes.ts';

const [what = 'lives', count = '2000'] = process.argv.slice(2);
let holds = 0;
const wide = { day: 1e12, month: 1e12 };
const all = budgetsOf({ key: wide, tenant: wide, installation: wide });

if (what === 'lives') await lives(Number(count));
else if (what === 'processes') await processes();
else await speed();

async function lives(seeds: number): Promise<void> {
  const world = openWorld();
  const sum = { held: 0, refused: 0, deaths: 0, wrong: 0 };
  for (let seed = 1_000; seed < 1_000 + seeds; seed++) {
    world.clear();
    const life = await live(world, seed, 60);
    for (const sentence of life.wrong) console.log(sentence);
    sum.held += life.held;
    sum.refused += life.refused;
    sum.deaths += life.deaths;
    sum.wrong += life.wrong.length;
  }
  world.close();
  console.log(`${seeds} lives of 60 steps: ${JSON.stringify(sum)}`);
  process.exitCode = sum.wrong > 0 ? 1 : 0;
}

async function processes(): Promise<void> {
  const each = { day: 500, month: 501 };
  for (const tenants of [1, 3]) {
    const budgets = budgetsOf({ key: each, tenant: each, installation: each });
    const { held, committed, seconds } = await submitInProcesses(8, 125, tenants, budgets);
    console.log(
      `1000 holds, 8 processes, ${tenants} tenant(s), budget 500: ${held} held, ${committed} committed, ${seconds.toFixed(2)} s`,
    );
    if (held !== committed || committed > 500) process.exitCode = 1;
  }
}

function instanceOn(kv: KeyValueStore): Ledger {
  return createLedger({
    kv,
    events: { publish: async () => undefined },
    now: () => Date.now(),
    random: n => new Uint8Array(randomBytes(n)),
    sleep: ms => sleep(ms),
  });
}

/** Holds a second of so many callers that each ask for one after another, for so long. */
async function rate(ledgerOf: (n: number) => Ledger, callers: number, tenants: number, budgets: Budgets, ms = 3_000) {
  const endMs = performance.now() + ms;
  const tookMs: number[] = [];
  const caller = async (n: number) => {
    const ledger = ledgerOf(n);
    while (performance.now() < endMs) {
      const startMs = performance.now();
      await ledger.hold(asking(`job${holds++}`, 1, budgets, { tenant: `t${n % tenants}` })).catch(() => undefined);
      tookMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, n) => caller(n)));
  tookMs.sort((a, b) => a - b);
  const at = (part: number) => (tookMs[Math.floor(part * (tookMs.length - 1))] ?? 0).toFixed(1);
  return `${Math.round(tookMs.length / (ms / 1_000))} holds/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

async function speed(): Promise<void> {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  const one = instanceOn(createSqliteKeyValueStore(db));
  for (const callers of [1, 16, 64])
    console.log(
      `SQLite (every commit synced), one process, ${callers} callers: ${await rate(() => one, callers, 1, all)}`,
    );
  const startMs = performance.now();
  for (let n = 0; n < 100; n++) await one.close('t0', `job${n}`, completed);
  console.log(`SQLite, settlements one after another: ${((performance.now() - startMs) / 100).toFixed(2)} ms each`);
  db.close();
  folder.remove();
  for (const tenants of [1, 4, 16]) {
    const { kv, close } = await startAwsServers();
    const budgets = { ...all, installation: wide };
    console.log(
      `dynalite, 16 instances, ${tenants} tenant(s): ${await rate(() => instanceOn(kv), 16, tenants, budgets)}`,
    );
    await close();
  }
  const { kv, close } = await startAwsServers();
  console.log(`dynalite, one instance, 16 callers, 1 tenant: ${await rate(sameOf(kv), 16, 1, all)}`);
  console.log(
    `dynalite, 16 instances, 16 tenants, no installation's budget: ${await rate(() => instanceOn(kv), 16, 16, { ...all, installation: noBudget })}`,
  );
  console.log(`dynalite, 16 writers of one entry that all share: ${await naive(kv, 16)}`);
  await close();
}

function sameOf(kv: KeyValueStore): () => Ledger {
  const ledger = instanceOn(kv);
  return () => ledger;
}

/** What the slices are instead of: one entry, read and written by everybody for each hold. */
async function naive(kv: KeyValueStore, writers: number): Promise<string> {
  const endMs = performance.now() + 3_000;
  const place = { space: 'naive/all', name: 'sum', expiresAtMs: null, dueAtMs: null };
  await kv.put({ ...place, value: 0 });
  let done = 0;
  const writer = async () => {
    for (let tries = 0; performance.now() < endMs; tries++) {
      const there = await kv.get(place.space, place.name);
      if (there !== undefined && (await kv.replace({ ...there, value: Number(there.value) + 1 })) !== undefined) {
        done++;
        tries = 0;
      } else await sleep(Math.random() * Math.min(400, 2 ** tries * 2));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return `${Math.round(done / 3)} writes/s`;
}

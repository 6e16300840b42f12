/**
 * R8: drops into a real folder, and the process that watches it killed every few seconds.
 *
 *     node cli/bootstrap.mjs --exec test/faults/drop.ts [--scale 1] [--seed 1] [--rate 50] [--kill-every 8] [--keep]
 *
 * Scale 1 is 10,000 files: texts, requests, batches, pictures with sidecars in both orders, hostile names, files written in pieces,
 * by rename, over one another, refusals, links, pipes, folders, and copies of what the folder itself put out. Events are missed while
 * no process runs and while one runs that hears none. Jobs are ended at once, with bytes of their own. Prints one row of a table.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { SeenRow } from '#core/drop/registry.ts';
import type { Job } from '#core/job.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { CARD } from '#test/core/model-card.ts';
import { allRows, TENANT } from '#test/drop/drop-world.ts';
import { createPrng } from '#test/simulation/prng.ts';
import { canariesOf, checkDrops } from './drop-check.ts';
import { dropAll, keepWatching } from './drop-crowd.ts';
import { planDrops } from './drop-plan.ts';
import { isMet, none, type Result, toRow } from './result.ts';

const FILES = 10_000;
/** After the last drop everything is to be quiet within this time. */
const SETTLE_SECONDS = 120;

export interface DropRun {
  readonly scale: number;
  readonly seed?: number;
  /** Drops a second. */
  readonly rate?: number;
  /** Mean time between two kills. */
  readonly killEveryMs?: number;
  readonly keep?: boolean;
}

/** R8 at `scale` times 10,000 files. */
export async function runDropFaults({
  scale,
  seed = 1,
  rate = 50,
  killEveryMs = 8_000,
  keep,
}: DropRun): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-r8-'));
  const prng = createPrng(seed);
  const stage = { folder, prng, rate };
  for (const name of ['staging', 'outside', 'data', 'drop', 'drop/in']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'outside', 'canary.txt'), 'a prompt that nobody dropped');
  writeFileSync(join(folder, 'outside', 'canary.png'), Buffer.alloc(500, 7));
  const canaries = canariesOf(folder);
  const db = openDatabase(join(folder, 'data'));
  const now = () => Date.now();
  const ports = createLocalPorts({ db, folder: join(folder, 'data'), owner: 'judge', models: [CARD], now });
  const plan = planDrops(Math.round(FILES * scale), prng);
  const keeper = await keepWatching(stage, killEveryMs);
  try {
    const dropped = await dropAll(stage, plan, keeper);
    await keeper.calm();
    const settledIn = await settle(folder, ports);
    const before = await countsOf(folder, ports);
    await sleep(5_000); // a loop would show now
    const after = await countsOf(folder, ports);
    await keeper.stop();
    const rows = await allRows<SeenRow>(ports, 'drop_seen');
    const { goals, figures } = checkDrops({ folder, dropped, rows, jobs: await allJobs(ports), canaries });
    return {
      id: 'R8',
      title: `${dropped.length} drops, ${keeper.kills} kill -9 of the watcher`,
      goals: [...goals, none('loops', before === after ? 0 : [`${before} -> ${after}`])],
      figures: {
        ...figures,
        dropsPerSecond: rate,
        settledInSeconds: settledIn,
        troubles: keeper.troubles().slice(0, 5),
      },
    };
  } finally {
    await keeper.calm().then(keeper.stop);
    db.close();
    if (keep === true) process.stderr.write(`kept ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until nothing changes any more and no receipt is open; returns the seconds it took, or gives up and lets the checks speak. */
async function settle(folder: string, ports: SubmitPorts): Promise<number> {
  const startMs = performance.now();
  let last = '';
  let quietSinceMs = startMs;
  while (performance.now() - startMs < SETTLE_SECONDS * 1000) {
    const counts = await countsOf(folder, ports);
    if (counts !== last) quietSinceMs = performance.now();
    last = counts;
    const open = await ports.kv.list(`drop_open/${TENANT}`, { limit: 1 });
    // Longer than a picture waits for its sidecar, a request for its picture is out of the way by then.
    if (open.length === 0 && performance.now() - quietSinceMs > 15_000) break;
    await sleep(500);
  }
  return Math.round((quietSinceMs - startMs) / 1000);
}

async function countsOf(folder: string, ports: SubmitPorts): Promise<string> {
  const places = ['in', 'accepted', 'out', 'rejected'].map(place => readdirSync(join(folder, 'drop', place)).length);
  return [...places, (await allRows(ports, 'drop_seen')).length].join(' ');
}

async function allJobs({ store }: SubmitPorts): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let hasMore = true; hasMore; ) {
    const last = jobs.at(-1);
    const page = await store.list(TENANT, { limit: 500, order: 'asc', ...(last ? { after: last.id } : {}) });
    jobs.push(...page.jobs);
    hasMore = page.hasMore;
  }
  return jobs;
}

if (import.meta.main) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    options: {
      ...{ scale: text('1'), seed: text('1'), rate: text('50'), 'kill-every': text('8') },
      keep: { type: 'boolean', default: false },
    },
  });
  const [scale = 1, seed = 1, rate = 50] = [values.scale, values.seed, values.rate].map(Number);
  const killEveryMs = Number(values['kill-every']) * 1000;
  const startedMs = performance.now();
  const result = await runDropFaults({ scale, seed, rate, killEveryMs, keep: values.keep });
  process.stderr.write(`${JSON.stringify(result.figures, null, 1)}\n`);
  process.stdout.write(`${toRow(result, (performance.now() - startedMs) / 1000)}\n`);
  process.exit(isMet(result) ? 0 : 1);
}

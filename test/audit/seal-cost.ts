/**
 * `node test/audit/seal-cost.ts [jobs]`: what sealing costs a data folder, beside the same stores without it, in turns: creating records,
 * as a submit does, and listing pages of a hundred. Memory is not waited for: the disk would hide the difference.
 */
import { loadavg } from 'node:os';
import { openSealing } from '#adapters/local/master-key-file.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import type { JobStore } from '#core/ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { makeJob } from '#test/contracts/make-job.ts';

const count = Number(process.argv[2] ?? 2_000);
const TURNS = 7;

/** Microseconds a record: of creating, and of listing in pages of a hundred. */
async function cost(store: JobStore, subjects: number): Promise<readonly [number, number]> {
  const jobs = Array.from({ length: count }, (_, n) =>
    makeJob(subjects === 0 ? {} : { subject: `subject:${String(n % subjects).padStart(32, '0')}` }),
  );
  const began = performance.now();
  for (const job of jobs) await store.create(job);
  const created = performance.now();
  for (let n = 0; n < count; n += 100) await store.list('acme', { limit: 100, order: 'asc', after: jobs[n]!.id });
  const listed = performance.now();
  return [((created - began) * 1_000) / count, ((listed - created) * 1_000) / count];
}

const results = new Map<string, (readonly [number, number])[]>();
for (let turn = 0; turn < TURNS; turn++)
  for (const [name, subjects] of [
    ['open', 0],
    ['sealed', 0],
    ['sealed, 100 people', 100],
  ] as const) {
    const folder = temporaryFolder();
    const db = openDatabase(folder.path);
    db.exec('PRAGMA synchronous=OFF');
    const open = createSqliteJobStore(db);
    const sealing = openSealing(folder.path, { kv: createSqliteKeyValueStore(db), now: () => Date.now() });
    const measured = await cost(name === 'open' ? open : sealing.store(open), subjects);
    results.set(name, [...(results.get(name) ?? []), measured]);
    db.close();
    folder.remove();
  }
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!.toFixed(0);
for (const [name, measured] of results)
  console.log(
    `${name}: create ${median(measured.map(([c]) => c))} µs, list ${median(measured.map(([, l]) => l))} µs a record`,
  );
console.log(`${count} records, median of ${TURNS} turns, load ${loadavg()[0]!.toFixed(1)}`);

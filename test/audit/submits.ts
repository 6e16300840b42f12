/**
 * `node test/audit/submits.ts [jobs] [rounds]`: submits per second on a data folder with the audit ledger and without it, in turns, one
 * after the other and sixteen at once. Every write is waited for.
 */
import { loadavg } from 'node:os';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { submit } from '#core/jobs/submit.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { CARD } from '#test/core/model-card.ts';
import { createMemoryAudit } from './memory-audit.ts';

const jobs = Number(process.argv[2] ?? 400);
const rounds = Number(process.argv[3] ?? 5);
const perSecond = new Map<string, number[]>();

async function measure(withLedger: boolean, atOnce: number): Promise<void> {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  const local = createLocalPorts({ db, folder: folder.path, owner: 'test', models: [CARD], now: () => Date.now() });
  const ports = { ...local, ...(withLedger ? {} : { audit: createMemoryAudit() }) };
  await submit(ports, 'local', { prompt: 'a ring' }); // keys and shards are made
  const from = performance.now();
  let left = jobs;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await submit(ports, 'local', { prompt: 'a ring' });
    }),
  );
  const name = `${atOnce} at once, ${withLedger ? 'with' : 'without'} the ledger`;
  perSecond.set(name, [...(perSecond.get(name) ?? []), jobs / ((performance.now() - from) / 1_000)]);
  local.audit.close();
  db.close();
  folder.remove();
}

console.log(`${jobs} jobs, ${rounds} rounds, load ${loadavg()[0]!.toFixed(1)} on the machine`);
for (let round = 0; round < rounds; round++)
  for (const atOnce of [1, 16])
    for (const withLedger of round % 2 === 0 ? [false, true] : [true, false]) await measure(withLedger, atOnce);
for (const [name, rates] of [...perSecond].sort()) {
  const middle = rates.toSorted((a, b) => a - b)[rates.length >> 1]!;
  console.log(`${name}: ${Math.round(middle)} submits/s in the middle (${rates.map(Math.round).join(', ')})`);
}

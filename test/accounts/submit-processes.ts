import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import type { Budgets } from '#core/accounts/budget.ts';
import { sumsOf } from '#core/accounts/ledger-entry.ts';
import { dayOf } from '#core/accounts/periods.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { ledgers } from './account-world.ts';

/**
 * Holds `count` jobs of a micro-dollar in each of so many processes of one data folder, all begun at one moment: how many were held, what
 * the ledgers say, and how long it took.
 */
export async function submitInProcesses(processes: number, count: number, tenants: number, budgets: Budgets) {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  const script = fileURLToPath(new URL('submit-child.ts', import.meta.url));
  const children = Array.from({ length: processes }, (_, n) => {
    const args: string[] = [
      script,
      folder.path,
      `${n * count}`,
      `${count}`,
      '1',
      JSON.stringify(budgets),
      `${tenants}`,
    ];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  for (const { lines } of children) await lines.next(); // ready
  const startedMs = performance.now();
  const ends = children.map(({ child }) => once(child, 'exit'));
  for (const { child } of children) child.stdin.write('go\n');
  let held = 0;
  for (const { lines } of children) held += (JSON.parse((await lines.next()).value ?? '{}') as { held: number }).held;
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(ends);
  const day = dayOf(Date.now());
  const all = await ledgers(createSqliteKeyValueStore(db));
  const committed = [...all.values()].reduce((sum, ledger) => sum + sumsOf(ledger, day, 't').held, 0);
  db.close();
  folder.remove();
  return { held, committed, seconds };
}

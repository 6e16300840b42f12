/** Another process of a data folder that holds jobs: `submit-child.ts <folder> <first> <count> <micros> <budgets as JSON>`; prints how many it held. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { createLedger } from '#core/accounts/ledger.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { asking } from './account-world.ts';

const [folder = '', first = '0', count = '0', micros = '1', budgets = '{}', tenants = '1'] = process.argv.slice(2);
const ledger = createLedger({
  kv: createSqliteKeyValueStore(openDatabase(folder)),
  events: { publish: async () => undefined },
  now: () => Date.now(),
  random: n => new Uint8Array(randomBytes(n)),
  sleep: ms => sleep(ms),
});
console.log('ready');
await new Promise(done => process.stdin.once('data', done));
const ids = Array.from({ length: Number(count) }, (_, n) => Number(first) + n);
const results = await Promise.all(
  ids.map(id =>
    ledger.hold(asking(`job${id}`, Number(micros), JSON.parse(budgets), { tenant: `t${id % Number(tenants)}` })),
  ),
);
console.log(JSON.stringify({ held: results.filter(result => !isRefusal(result)).length }));
process.exit(0);

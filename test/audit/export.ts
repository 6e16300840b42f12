/** `node test/audit/export.ts FOLDER [records]`: writes the export of a ledger of two shards, for test/oracle/audit-ledger.py. */
import { writeExport } from '#adapters/audit-folder.ts';
import { publicKeyFile } from '#adapters/receipt-keys.ts';
import { exportLedger } from '#core/audit/export-ledger.ts';
import { readStoredLedger } from '#core/audit/ledger-reader.ts';
import { openShard } from '#core/audit/shard-writer.ts';
import { entry, keys, openAuditWorld } from './audit-world.ts';

const folder = process.argv[2];
const count = Number(process.argv[3] ?? 500);
if (folder === undefined) throw new Error('Say into which folder.');
const world = openAuditWorld();
for (const shard of ['door', 'worker']) {
  const writer = await openShard(world.ports(), shard, 'w');
  for (let n = 0; n < count; n += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - n) }, (_, i) => writer.append(entry(n + i))));
    if (n % 200 === 100) await writer.close();
  }
}
const files = exportLedger(readStoredLedger(world.stores), world.ports(), publicKeyFile(keys.publicKeys));
console.log(`${folder}: ${(await writeExport(folder, files)).files} files`);
world.close();

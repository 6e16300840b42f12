/** `node test/audit/throughput.ts [records]`: records per second that are chained, and that are read and verified, in one process. */
import { loadavg } from 'node:os';
import { sha256Hex } from '#adapters/audit-crypto.ts';
import type { LedgerReader } from '#core/audit/ledger-reader.ts';
import { asciiBytes, linesOf } from '#core/audit/ledger-text.ts';
import { growMerkleTree } from '#core/audit/merkle.ts';
import { checkEntry, genesis, type Link, nextRecord, recordLine } from '#core/audit/record.ts';
import { openShard } from '#core/audit/shard-writer.ts';
import { verifyLedger } from '#core/audit/verify-ledger.ts';
import { entry, evidence, installation, noon, openAuditWorld } from './audit-world.ts';

const count = Number(process.argv[2] ?? 200_000);
const entries = Array.from({ length: 1_000 }, (_, n) => entry(n));
const perSecond = (ms: number) => `${Math.round((count / ms) * 1_000).toLocaleString('en')} records`;
/** On a machine that others use, the second of the clock says how busy they are, and that of the processor what the work takes. */
function told(what: string, from: { wall: number; cpu: NodeJS.CpuUsage }): void {
  const { user, system } = process.cpuUsage(from.cpu);
  const cpu = perSecond((user + system) / 1_000);
  console.log(
    `${what}: ${cpu} per second of one core, ${perSecond(performance.now() - from.wall)} per second of the clock`,
  );
}
const start = () => ({ wall: performance.now(), cpu: process.cpuUsage() });
console.log(`${count} records, load ${loadavg()[0]!.toFixed(1)} on the machine`);

for (let round = 1; round <= 3; round++) {
  let at: Link = genesis(sha256Hex, installation, 's1');
  const lines: string[] = [];
  const tree = growMerkleTree(sha256Hex);
  let from = start();
  for (let n = 0; n < count; n++) {
    checkEntry(entries[n % 1_000]!);
    const record = nextRecord(sha256Hex, at, entries[n % 1_000]!, noon);
    lines.push(recordLine(record));
    tree.add(record.hash);
    at = record;
  }
  tree.root();
  told('checked, chained, written as lines, in a tree', from);
  const bytes = asciiBytes(`${lines.join('\n')}\n`);
  const stream = async function* () {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  };
  const reader: LedgerReader = {
    shards: async () => ['s1'],
    segment: async () => undefined,
    open: () => linesOf(stream()),
  };
  from = start();
  const report = await verifyLedger(reader, [], evidence);
  told('read as lines and verified', from);
  if (!report.holds || report.records !== count) throw new Error(report.sentence);
}

// Through the local stores, with every write waited for.
const world = openAuditWorld({ durable: true });
const shard = await openShard(world.ports(), 's1', 'w');
const appended = Math.min(count, 20_000);
const from = performance.now();
await Promise.all(Array.from({ length: appended }, (_, n) => shard.append(entries[n % 1_000]!)));
const rate = Math.round(appended / ((performance.now() - from) / 1_000));
console.log(`appended to SQLite and closed segments on disk: ${rate.toLocaleString('en')} per second of the clock`);
world.close();

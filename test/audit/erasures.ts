/** `node test/audit/erasures.ts [subjects] [secure]`: keeps data of that many people, erases them, and looks for what is left; exits 1 if anything is. */
import { loadavg } from 'node:os';
import { eraseSubject } from '#core/audit/erase.ts';
import { loadSealed, openText } from '#core/audit/vault.ts';
import { openAuditWorld } from './audit-world.ts';
import { actor, canaryOf, countIn, eraseWorld, filesBelow, keepData, keyOf, kinds, subjectOf } from './erase-world.ts';

const count = Number(process.argv[2] ?? 1_000);
const world = openAuditWorld({ durable: true });
// What docs/audit.md asks of the database that holds the keys.
if (process.argv[3] === 'secure') world.exec('PRAGMA secure_delete=ON');
const its = eraseWorld(world);
for (let n = 0; n < count; n++) await keepData(its, n);
const wrapped: string[] = [];
for (let n = 0; n < count; n++) {
  const entry = await world.stores.kv.get('subject-key/acme', subjectOf(n).id);
  wrapped.push((entry!.value as { wrapped: string }).wrapped);
}
const from = performance.now();
for (let n = 0; n < count; n++) await eraseSubject(its.erase, subjectOf(n), actor);
const seconds = (performance.now() - from) / 1_000;

if (process.argv[3] === 'secure') world.exec('PRAGMA wal_checkpoint(TRUNCATE)');

let readable = 0;
for (let n = 0; n < count; n++) {
  const job = (await world.stores.kv.get('jobs/acme', `job-${n}`))!.value as { prompt: string };
  const prompt = await openText(its.vault, subjectOf(n), 'prompt', `job-${n}`, job.prompt);
  if (prompt?.includes(canaryOf(n))) readable++;
  for (const kind of kinds)
    if ((await loadSealed(its.vault, subjectOf(n), kind, keyOf(n, kind), 1e6)) !== undefined) readable++;
}
const canaries = countIn(world.folder, 'canary');
let residue = 0;
for (const { bytes } of filesBelow(world.folder)) for (const key of wrapped) if (bytes.includes(key)) residue++;
const report = await world.verify();
console.log(
  `erased ${count} subjects with 4 pieces of data each in ${seconds.toFixed(1)} s, load ${loadavg()[0]!.toFixed(1)}`,
);
console.log(
  `${readable} pieces readable, ${canaries} canaries in ${[...filesBelow(world.folder)].length} files; ${report.sentence}`,
);
console.log(`${residue} destroyed keys still lie, wrapped, in free pages of the database file or its log`);
world.close();
process.exitCode = readable + canaries > 0 || !report.holds ? 1 : 0;

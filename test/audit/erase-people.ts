/**
 * `node test/audit/erase-people.ts [people]`: takes a job of each with a prompt, a reference, a checkpoint and a video into a data folder,
 * erases all of them, and looks for what is left in every byte of it; exits 1 if anything is, or if it took more than a minute.
 */
import { loadavg } from 'node:os';
import { filesBelow } from './erase-world.ts';
import { openPeopleWorld, personOf } from './people-world.ts';

const LIMIT_SECONDS = 60;
const count = Number(process.argv[2] ?? 1_000);
const world = await openPeopleWorld({ durable: true });
const subjects: string[] = [];
for (let n = 0; n < count; n++) subjects.push((await world.keep(n)).subject!);
const before = world.canaries();
const wrapped: string[] = [];
for (const id of subjects)
  wrapped.push(((await world.ports.kv.get('subject-key/acme', id))!.value as { wrapped: string }).wrapped);

const from = performance.now();
await inLanes(count, 16, async n => void (await world.erase(n)));
const erasedMs = performance.now() - from;
const canaries = world.canaries();
const seconds = (performance.now() - from) / 1_000;
for (let n = 0; n < count; n += 100) await world.sweep();

let keys = 0;
let names = 0;
for (const { bytes } of filesBelow(world.folder)) {
  for (const key of wrapped) if (bytes.includes(key)) keys++;
  for (let n = 0; n < count; n++) if (bytes.includes(personOf(n))) names++;
}
const left = (await world.ports.store.list('acme', { limit: 1, order: 'asc' })).jobs.length;
const report = await world.verify();
const load = loadavg()[0]!.toFixed(1);
console.log(
  `${before} canaries of ${count} people before: in their videos; erased in ${(erasedMs / 1_000).toFixed(1)} s, load ${load}`,
);
console.log(
  `after ${seconds.toFixed(1)} s: ${canaries} canaries; swept: ${left} jobs, ${keys} destroyed keys, ${names} names in any file; ${report.sentence}`,
);
world.close();
process.exitCode = canaries + keys + names + left > 0 || !report.holds || seconds > LIMIT_SECONDS ? 1 : 0;

/** As an operator's script does it: so many at a time. */
async function inLanes(total: number, lanes: number, act: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < total) await act(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** `node test/audit/mutate.ts [mutations] [seed]`: changes a ledger that many times, each time a fresh copy; exits 1 if one was not seen. */
import { tryMutations } from './mutations.ts';

const count = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? 1);
const { tried, missed, kinds } = await tryMutations(count, seed);
for (const [name, times] of [...tried].sort()) console.log(`${String(times).padStart(6)}  ${name}`);
console.log(`found first: ${[...kinds].map(([kind, times]) => `${kind} ${times}`).join(', ')}`);
console.log(`${count} mutations, ${missed.length} not seen${missed.map(one => `\n  ${one}`).join('')}`);
process.exitCode = missed.length > 0 ? 1 : 0;

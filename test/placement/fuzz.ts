/** `node test/placement/fuzz.ts [jobs] [seed]`: runs a million sovereign jobs through drawn worlds; exits 1 if any left the premises. */
import { countMisroutes, runResidencyWorlds } from './residency-worlds.ts';

const jobs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
const misroutes = countMisroutes(seed, jobs);
const tally = runResidencyWorlds(seed, jobs);
console.log(`routed ${jobs} drawn jobs, ${misroutes} wrongly`);
console.log(
  `${tally.sovereignJobs} sovereign jobs in ${tally.worlds} worlds, ${tally.preemptions} preemptions: ${tally.leftPremises} left the premises`,
);
process.exitCode = misroutes + tally.leftPremises > 0 ? 1 : 0;

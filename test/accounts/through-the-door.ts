/**
 * A thousand submits at once over HTTP against a budget that fits exactly half of them, the tenant's and then the installation's.
 *
 *     node test/accounts/through-the-door.ts [submits]       1000
 */
import { runDoor } from './door-run.ts';

const count = Number(process.argv[2] ?? 1_000);
const fits = Math.floor(count / 2);
let isWrong = false;
for (const whose of ['tenant', 'installation'] as const) {
  const { budget, statuses, told, held, committed, most, reads, jobs, ms } = await runDoor(count, fits, whose);
  const right =
    statuses[200] === fits &&
    statuses[402] === count - fits &&
    told &&
    jobs === fits &&
    held === budget &&
    committed === budget &&
    most <= budget;
  isWrong ||= !right;
  process.stdout.write(
    `${whose}: ${count} submits at once, ${JSON.stringify(statuses)} in ${(ms / 1000).toFixed(1)} s; held ${held} of ${budget} micro-dollars, at most ${most} at ${reads} reads; ${jobs} jobs${right ? '' : '  WRONG'}\n`,
  );
}
process.exitCode = isWrong ? 1 : 0;

/**
 * R14 of RELIABILITY.md §4: how fast the embedded server accepts and tells, and what it does with three times that load. An open-model
 * generator in this process, a server in another, loopback between them.
 *
 *     node test/bench/load.ts [--scale 1] [--seconds 600] [--seed 1] [--out FILE.json]
 *
 * `--scale` multiplies the rates. Phases: submits alone, statuses alone, both, three times both, both again.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { describeFigures } from './load-report.ts';
import { goals, runLoad } from './load-run.ts';

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const [scale, seconds, seed] = [Number(values.scale), Number(values.seconds), Number(values.seed)];
const loadBefore = loadavg()[0]!;
const { submit, status } = goals;
console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, load average before ${loadBefore.toFixed(2)}; ` +
    `submit ${submit.perSecond * scale}/s, status ${status.perSecond * scale}/s, ${seconds} s, seed ${seed}`,
);
const report = await runLoad({
  scale,
  seconds,
  seed,
  onPhase: phase => {
    for (const figures of phase.figures) console.log(describeFigures(phase.phase, figures));
    const { server, generator, others } = phase.cpu;
    console.log(
      `${''.padEnd(10)} CPU server ${(server * 100).toFixed(0)} %, generator ${(generator * 100).toFixed(0)} %, others ${(others * 100).toFixed(0)} %; server ${phase.serverMegabytes} MB`,
    );
  },
});
console.log(`recovery   submit ${report.recovery.submit} s, status ${report.recovery.status} s after the overload`);
if (values.out !== undefined)
  writeFileSync(values.out, `${JSON.stringify({ scale, seconds, seed, loadBefore, goals, ...report }, null, 1)}\n`);

/**
 * @file One fault suite at any size, on real processes:
 *
 *     node cli/bootstrap.mjs --exec test/faults/run.ts r1 [--scale 1] [--seed 1] [--out r1.json] [--keep] [--limit-minutes 90]
 *
 * Prints a line every ten seconds on stderr and one row of a table on stdout. Exits with 1 when a goal is missed or the time is over, with
 * 2 when it does not know the suite. `npm test` runs the same suites at a small scale.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { parseArgs } from 'node:util';
import { isMet, type Result, toRow } from './result.ts';
import { onStage } from './stage.ts';
import { suites } from './suites.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    keep: { type: 'boolean', default: false },
    'limit-minutes': { type: 'string' },
  },
});
const name = positionals[0] ?? '';
const suite = suites[name];
const [scale, seed] = [Number(values.scale), Number(values.seed)];
if (suite === undefined || !(scale > 0) || !Number.isInteger(seed)) {
  process.stderr.write(
    `usage: run.ts <${Object.keys(suites).join('|')}> [--scale 1] [--seed 1] [--out file] [--keep]\n`,
  );
  process.exit(2);
}
// Leaving by process.exit kills what was started, and nothing else (see processes.ts).
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const startedMs = performance.now();
/** A run looks at its limit between its own steps; one that hangs in a step is ended from here. */
const GRACE_MINUTES = 3;
const limitMinutes = Number(values['limit-minutes'] ?? suite.limitMinutes);
const hung = () => {
  process.stderr.write(`[${name}] hangs\n`);
  process.exit(1);
};
setTimeout(hung, (limitMinutes + GRACE_MINUTES) * 60_000).unref();
const result: Result = await onStage({ name, seed, limitMinutes, keep: values.keep, verbose: true }, stage =>
  suite.run(stage, scale),
).catch(error => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  const goals = [{ what: 'came to its end', goal: 'yes', got: String(error), met: false }];
  return { id: name.toUpperCase(), title: 'broken off', goals, figures: {} };
});
const seconds = (performance.now() - startedMs) / 1000;
const machine = { cores: availableParallelism(), kernel: release(), node: process.version };
const report = { ...result, scale, seed, seconds: Math.round(seconds), met: isMet(result), machine };
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`);
process.stderr.write(`${JSON.stringify(result.figures)}\n`);
process.stdout.write(`${toRow(result, seconds)}\n`);
process.exit(isMet(result) ? 0 : 1);

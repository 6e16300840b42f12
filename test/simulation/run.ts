/**
 * @file Runs simulated worlds from the command line.
 *
 *     node test/simulation/run.ts --seeds 100000 [--from 1] [--processes 2]    many seeds, in so many processes
 *     node test/simulation/run.ts --seed 42 [--trace]                          one seed, with all that happened
 *     node test/simulation/run.ts --report duplicates|fairness                 the figures of RELIABILITY R5 and R12
 */
import { fork } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { addSummary, describe, describeFailure, noSummary, runSeeds, type Summary } from './batch.ts';
import { reportDuplicates, reportFairness } from './reports.ts';
import { simulate } from './simulate.ts';

/** Seeds that a process is given at a time: some ten seconds of work. */
const CHUNK = 500;
const SHOWN_FAILURES = 5;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    processes: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    report: { type: 'string' },
    /** Rules to pass over, while their breaking is being mended. */
    except: { type: 'string', multiple: true, default: [] },
    child: { type: 'boolean', default: false },
  },
});
const passedOver = new Set(values.except);

interface Chunk {
  readonly from: number;
  readonly count: number;
}

if (values.child) serveChunks();
else if (values.report === 'duplicates') console.log(await reportDuplicates());
else if (values.report === 'fairness') console.log(await reportFairness());
else if (values.seed !== undefined) await replay(Number(values.seed));
else await runMany(Number(values.from), Number(values.seeds ?? 2_000));

async function replay(seed: number): Promise<void> {
  const onNote = (line: () => string) => console.log(line());
  const result = await simulate(seed, values.trace ? { passedOver, onNote } : { passedOver });
  const { violation, last, hash, faultCount } = result;
  if (violation !== undefined) console.log(describeFailure({ seed, ...violation, last: values.trace ? [] : last }));
  console.log(`history ${hash}, ${faultCount} faults, ${(result.virtualMs / 1000).toFixed(1)} virtual seconds`);
  process.exitCode = violation === undefined ? 0 : 1;
}

async function runMany(from: number, count: number): Promise<void> {
  const startMs = performance.now();
  const sum = noSummary();
  let next = from;
  const take = (): Chunk | undefined => {
    if (next >= from + count) return undefined;
    const chunk = { from: next, count: Math.min(CHUNK, from + count - next) };
    next += chunk.count;
    return chunk;
  };
  const processes = Math.min(Number(values.processes), Math.ceil(count / CHUNK));
  await Promise.all(Array.from({ length: processes }, () => runChild(take, sum, startMs)));
  for (const failure of sum.failures.slice(0, SHOWN_FAILURES)) console.log(`${describeFailure(failure)}\n`);
  const rules = Map.groupBy(sum.failures, failure => failure.rule);
  for (const [rule, failures] of rules)
    console.log(
      `${failures.length} x ${rule}: seeds ${failures
        .slice(0, 10)
        .map(({ seed }) => seed)
        .join(' ')}`,
    );
  console.log(describe(sum, performance.now() - startMs));
  console.log(
    `${processes} processes, load average ${loadavg()
      .map(load => load.toFixed(1))
      .join(' ')}`,
  );
  process.exitCode = sum.failures.length === 0 ? 0 : 1;
}

/** Gives a process of its own one chunk after the other. */
function runChild(take: () => Chunk | undefined, sum: Summary, startMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ['--child', ...values.except.flatMap(rule => ['--except', rule])];
    const child = fork(import.meta.filename, args, { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const give = () => {
      const chunk = take();
      if (chunk === undefined) child.disconnect();
      else child.send(chunk);
    };
    child.on('message', (more: Summary) => {
      addSummary(sum, more);
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
      process.stderr.write(`${sum.seeds} seeds, ${sum.failures.length} failed, ${seconds} s\n`);
      give();
    });
    child.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`))));
    give();
  });
}

function serveChunks(): void {
  process.on('message', async ({ from, count }: Chunk) => process.send!(await runSeeds(from, count, { passedOver })));
}

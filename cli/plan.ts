import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { invalidRequest, ReelayError } from '#core/errors.ts';
import { defaultTerms, gpuOffers } from '#core/placement/cost.ts';
import { breakEven, comparePolicies, type PeerChoice, sizePremises } from '#core/placement/plan.ts';
import { importTrace } from '#core/placement/simulation/import-trace.ts';
import { simulatedModel } from '#core/placement/simulation/simulate.ts';
import type { Trace } from '#core/placement/simulation/trace.ts';
import { referenceTraces } from '#core/placement/simulation/traces.ts';
import type { Pool } from '#core/placement/types.ts';
import { type PlanReport, planHtml, planTable } from './plan-report.ts';

interface PlanFlags {
  readonly demo?: string;
  readonly target: string;
  readonly gpu: string;
  readonly price?: string;
  readonly cold: string;
  readonly max: string;
  readonly owned: string;
  readonly peers: string;
  readonly scaleRate: string;
  readonly bootstrapDays?: string;
  readonly json?: boolean;
  readonly html?: string;
}

/** `reelay plan` */
export function planCommand(): Command {
  return new Command('plan')
    .description('simulate a job log: what GPUs would cost by policy and target wait, and how many to own')
    .argument('[log.csv]', 'ts,model,steps,frames,w,h,tenant,residency,tier[,service_s]; ts and service_s in seconds')
    .option('--demo <trace>', 'a built-in trace instead: S (diffusion serving), B (API bursts) or C (drop folder)')
    .option('--target <seconds>', 'p95 of waiting to promise; several with commas', '180,300,600')
    .option('--gpu <name>', gpuOffers.map(offer => offer.name).join(', '), 'L40S')
    .option('--price <usd>', "cloud dollars an hour; the GPU's own where absent")
    .option('--cold <seconds>', 'median time from launch to ready', '120')
    .option('--max <servers>', 'cloud servers at most', '32')
    .option('--owned <servers>', 'try owning up to so many GPUs', '4')
    .option('--peers <choice>', 'none, defaults or all (248 settings)', 'defaults')
    .option('--scale-rate <factor>', 'jobs per job of the log', '1')
    .option('--bootstrap-days <days>', 'so many days, drawn from those of the log')
    .option('--json', 'as JSON')
    .option('--html <file>', 'also write a page with plots')
    .action(async (file: string | undefined, flags: PlanFlags) => plan(file, flags));
}

/** A number of a flag, or a sentence. */
function numberOf(flag: string, text: string, least: number, most: number, whole = false): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const message = `--${flag}: got "${text}"; allowed: ${whole ? 'whole numbers' : 'numbers'} from ${least} to ${most}.`;
  throw invalidRequest([{ path: flag, message }]);
}

function oneOf<T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find(word => word === text);
  if (found !== undefined) return found;
  throw invalidRequest([{ path: flag, message: `--${flag}: got "${text}"; allowed: ${allowed.join(', ')}.` }]);
}

async function readTrace(file: string | undefined, flags: PlanFlags): Promise<Trace> {
  if ((file === undefined) === (flags.demo === undefined)) {
    throw invalidRequest([{ path: 'log.csv', message: 'Give either a job log or --demo S, B or C.' }]);
  }
  if (flags.demo !== undefined) {
    const name = oneOf('demo', flags.demo, ['S', 'B', 'C']);
    return referenceTraces().find(trace => trace.name === name)!;
  }
  const text = await readFile(file!, 'utf8').catch(cause => {
    throw new ReelayError('invalid_request', `${file}: cannot be read (${(cause as Error).message}).`, { cause });
  });
  const scaleRate = numberOf('scale-rate', flags.scaleRate, 0.001, 1000);
  const days = flags.bootstrapDays;
  const bootstrap = days === undefined ? {} : { bootstrapDays: numberOf('bootstrap-days', days, 1, 3650, true) };
  const imported = importTrace(text, { name: basename(file!), scaleRate, ...bootstrap });
  if ('trace' in imported) return imported.trace;
  throw invalidRequest(imported.problems.map(problem => ({ path: file!, message: `${file}: ${problem}.` })));
}

function cloudPool(pricePerHourUsd: number, median: number, maxServers: number): Pool {
  return {
    id: 'cloud',
    site: 'cloud',
    region: 'cloud',
    kind: 'ondemand',
    pricePerHourUsd,
    minServers: 0,
    maxServers,
    minBilledSeconds: 60,
    speed: { [simulatedModel]: 1 },
    // Quantiles and mean of the measured cold starts, by their median.
    coldStartSeconds: { low: 0.7 * median, mid: median, high: 1.46 * median, mean: 1.06 * median },
  };
}

async function plan(file: string | undefined, flags: PlanFlags): Promise<void> {
  const targets = flags.target.split(',').map(text => numberOf('target', text, 1, 86_400));
  const gpuName = oneOf(
    'gpu',
    flags.gpu,
    gpuOffers.map(offer => offer.name),
  );
  const gpu = gpuOffers.find(offer => offer.name === gpuName)!;
  const price = flags.price === undefined ? gpu.cloudUsdPerHour : numberOf('price', flags.price, 0.001, 10_000);
  const median = numberOf('cold', flags.cold, 1, 3600);
  const cloud = cloudPool(price, median, numberOf('max', flags.max, 1, 1000, true));
  const mostServers = numberOf('owned', flags.owned, 0, 32, true);
  const peers: PeerChoice = oneOf('peers', flags.peers, ['none', 'defaults', 'all']);
  const trace = await readTrace(file, flags);
  const owned: Pool = { ...cloud, id: 'owned', site: 'onprem', region: 'home', kind: 'fixed', minBilledSeconds: 0 };
  const policies = comparePolicies(trace, cloud, targets, peers, median);
  const ours = policies.filter(row => row.targetSeconds !== undefined);
  const report: PlanReport = {
    trace: trace.name,
    jobs: trace.arrivals.length,
    days: (trace.arrivals.at(-1) ?? 0) / 86_400,
    gpu: gpu.name,
    pricePerHourUsd: price,
    policies,
    breakEvens: ours.map(({ targetSeconds, outcome }) => ({
      targetSeconds: targetSeconds!,
      phi: outcome.phi,
      utilization: breakEven(gpu, defaultTerms, cloud, outcome.phi) ?? null,
    })),
    sizing: targets.map(targetSeconds => {
      const settings = { cloud: [cloud], owned, gpu, terms: defaultTerms, targetSeconds, mostServers };
      return { targetSeconds, rows: sizePremises(trace, { ...settings, medianColdSeconds: median }) };
    }),
  };
  process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : planTable(report));
  if (flags.html !== undefined) await writeFile(flags.html, planHtml(report));
  const left = report.sizing.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.outcome.leftPremises, 0);
  if (left > 0) process.exitCode = 1;
}

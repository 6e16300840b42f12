import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { invalidRequest, ReelayError } from '#core/errors.ts';
import { gpuOffers } from '#core/placement/cost.ts';
import type { PeerChoice } from '#core/placement/plan.ts';
import { simulatedModel } from '#core/placement/simulation/simulate.ts';
import type { Pool } from '#core/placement/types.ts';
import { parseResidency } from '#core/policy/residency.ts';
import { numberOf, oneOf } from './flag-values.ts';
import { readPlanTrace } from './plan-input.ts';
import { planHtml } from './plan-page.ts';
import { startProgress } from './plan-progress.ts';
import { makePlan } from './plan-report.ts';
import { planText } from './plan-words.ts';
import { dataFolderFrom } from './settings.ts';

interface PlanFlags {
  readonly demo?: string;
  readonly jobs?: string | true;
  readonly target: string;
  readonly gpu: string;
  readonly price?: string;
  readonly cold: string;
  readonly max: string;
  readonly owned: string;
  readonly stay?: string;
  readonly peers: string;
  readonly foresight?: boolean;
  readonly scaleRate: string;
  readonly bootstrapDays?: string;
  readonly fps: string;
  readonly json?: boolean;
  readonly html?: string;
}

/** `reelay plan` */
export function planCommand(): Command {
  return new Command('plan')
    .description('simulate jobs: what GPUs would cost by policy and target wait, and how many to own')
    .argument('[log.csv]', 'ts,model,steps,frames,w,h,tenant,residency,tier[,service_s]; or GenTD26')
    .option('--demo <trace>', 'a built-in trace: S (diffusion serving), B (API bursts) or C (drop folder)')
    .option('--jobs [folder]', 'the job records of a data folder (default: REELAY_DATA, or .reelay)')
    .option('--target <seconds>', 'p95 of waiting to promise; several with commas', '180,300,600')
    .option('--gpu <name>', gpuOffers.map(offer => offer.name).join(', '), 'L40S')
    .option('--price <usd>', "cloud dollars an hour; the GPU's own where absent")
    .option('--cold <seconds>', 'median time from launch to ready', '120')
    .option('--max <servers>', 'cloud servers at most', '32')
    .option('--owned <servers>', 'try owning up to so many GPUs', '3')
    .option('--stay <share>', 'so large a share of the jobs, 0 to 1, must stay on the premises')
    .option('--peers <choice>', 'none, defaults or all (248 settings)', 'defaults')
    .option('--foresight', 'also a planner that knows the future: how much there is to win')
    .option('--scale-rate <factor>', 'jobs per job of the log', '1')
    .option('--bootstrap-days <days>', 'so many days, drawn from those of the log')
    .option('--fps <frames>', 'frames in a second of video, for a log with frames', '24')
    .option('--json', 'as JSON (docs/placement.md)')
    .option('--html <file>', 'also write a page with plots')
    .action(async (file: string | undefined, flags: PlanFlags) => plan(file, flags));
}

/** More targets than this are no plan. */
const mostTargets = 12;

function targetsOf(text: string): readonly number[] {
  const words = text.split(',');
  if (words.length > mostTargets) {
    const message = `--target: got ${words.length} targets; allowed: up to ${mostTargets}.`;
    throw invalidRequest([{ path: 'target', message }]);
  }
  return [...new Set(words.map(word => numberOf('target', word, 1, 86_400)))];
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
    // Quantiles and mean of the measured cold starts, by their median, in whole seconds: of 120 s those of the published figures.
    coldStartSeconds: {
      low: Math.round(0.705 * median),
      mid: median,
      high: Math.round(1.458 * median),
      mean: Math.round(1.06 * median),
    },
  };
}

async function plan(file: string | undefined, flags: PlanFlags): Promise<void> {
  const targetsSeconds = targetsOf(flags.target);
  const names = gpuOffers.map(offer => offer.name);
  const gpuName = oneOf('gpu', flags.gpu, names);
  const gpu = gpuOffers.find(offer => offer.name === gpuName)!;
  const price = flags.price === undefined ? gpu.cloudUsdPerHour : numberOf('price', flags.price, 0.001, 10_000);
  const medianColdSeconds = numberOf('cold', flags.cold, 1, 3600);
  const cloud = cloudPool(price, medianColdSeconds, numberOf('max', flags.max, 1, 1000, true));
  const mostOwned = numberOf('owned', flags.owned, 0, 32, true);
  const peers: PeerChoice = oneOf('peers', flags.peers, ['none', 'defaults', 'all']);
  const days = flags.bootstrapDays;
  const read = await readPlanTrace({
    file,
    demo: flags.demo,
    jobsFolder: flags.jobs === true ? dataFolderFrom(process.env) : flags.jobs,
    classes: parseResidency(process.env.REELAY_RESIDENCY ?? ''),
    scaleRate: numberOf('scale-rate', flags.scaleRate, 0.001, 1000),
    bootstrapDays: days === undefined ? undefined : numberOf('bootstrap-days', days, 1, 400, true),
    fps: numberOf('fps', flags.fps, 1, 1000),
    stayShare: flags.stay === undefined ? undefined : numberOf('stay', flags.stay, 0, 1),
  });
  const foresight = flags.foresight === true;
  const progress = startProgress('simulating');
  const report = makePlan({
    ...read,
    ...{ gpu, cloud, medianColdSeconds, targetsSeconds, peers, foresight, mostOwned },
    onRun: progress.tell,
  });
  progress.end();
  if (flags.html !== undefined) await writePage(flags.html, planHtml(report));
  process.stdout.write(flags.json === true ? `${JSON.stringify(report)}\n` : planText(report));
  if (report.leftPremises > 0) process.exitCode = 1;
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw new ReelayError('invalid_request', `--html: ${file} cannot be written (${(cause as Error).message}).`, {
      cause,
    });
  }
}

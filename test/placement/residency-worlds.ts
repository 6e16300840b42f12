import { hybridRule } from '#core/placement/peers/hybrid-rules.ts';
import { isSovereign, route } from '#core/placement/route.ts';
import type { Policy } from '#core/placement/simulation/controller.ts';
import { type Draw, exponential, mulberry32 } from '#core/placement/simulation/random.ts';
import { horizon } from '#core/placement/simulation/scheduled.ts';
import { simulate } from '#core/placement/simulation/simulate.ts';
import { collectTrace, markSovereign } from '#core/placement/simulation/trace.ts';
import type { Observation, Pool, Residency, Waiting } from '#core/placement/types.ts';
import { cloudPool, ownedPool, spotPool } from './pools.ts';

function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[Math.floor(draw() * from.length)]!;
}

const siteLists: readonly unknown[] = [
  ['onprem'],
  ['cloud'],
  ['onprem', 'cloud'],
  [],
  ['moon'],
  ['onprem', 'moon'],
  ['Cloud'],
  'cloud',
  null,
  undefined,
];
const regionLists = [undefined, [], ['home'], ['eu-central-1'], ['us-east-1', 'eu-central-1'], ['']];
const regions = ['home', 'us-east-1', 'eu-central-1'];
const models = ['a', 'b', 'toString', '__proto__'];

function drawPool(draw: Draw, i: number): Pool {
  const base = pick(draw, [ownedPool(2), cloudPool, spotPool]);
  const speed = pick(draw, [{ a: 1 }, { a: 1, b: 2 }, { a: 0 }, {}]);
  return { ...base, id: `p${i}`, region: pick(draw, regions), speed };
}

/** What a residency and a pool say, read again by its words: an independent check of `allowed`. */
function mayRun(residency: { sites?: unknown; regions?: unknown }, model: string, pool: Pool): boolean {
  const { sites, regions: wanted } = residency;
  if (!Array.isArray(sites) || sites.some(site => site !== 'onprem' && site !== 'cloud')) return false;
  if (!sites.includes(pool.site)) return false;
  if (wanted !== undefined && !(Array.isArray(wanted) && wanted.includes(pool.region))) return false;
  return Object.entries(pool.speed).some(([name, speed]) => name === model && speed > 0);
}

/** Routes so many drawn jobs among drawn pools; gives those that a pool was offered which may not run them, or withheld. */
export function countMisroutes(seed: number, jobs: number): number {
  const draw = mulberry32(seed);
  let wrong = 0;
  for (let i = 0; i < jobs; i++) {
    const pools = Array.from({ length: Math.floor(5 * draw()) }, (_, k) => drawPool(draw, k));
    const residency = { sites: pick(draw, siteLists), regions: pick(draw, regionLists) } as unknown as Residency;
    const job: Waiting = {
      id: `j${i}`,
      model: pick(draw, models),
      tier: 'standard',
      residency,
      enqueuedAtSeconds: 0,
      estimateSeconds: 10,
      count: 1,
    };
    const offered = new Set(route(job, { pools } as unknown as Observation).pools);
    const cloudOffered = pools.some(pool => pool.site === 'cloud' && offered.has(pool.id));
    const right = pools.every(pool => offered.has(pool.id) === mayRun(residency, job.model, pool));
    if (!right || isSovereign(job, pools) === cloudOffered) wrong++;
  }
  return wrong;
}

/** What a run of drawn worlds came to. */
export interface ResidencyTally {
  worlds: number;
  sovereignJobs: number;
  finished: number;
  leftPremises: number;
  preemptions: number;
}

function drawPolicy(draw: Draw): Policy {
  const target = pick(draw, [60, 150, 300, 600]);
  if (draw() < 0.8) return horizon(target);
  return hybridRule({ rule: pick(draw, ['burst', 'split']), jobsPerServer: pick(draw, [1, 4]), downSeconds: 60 });
}

/**
 * Simulates drawn worlds (owned servers, on-demand, Spot that is taken away and refused, bursts, policies) until so many sovereign
 * jobs have run, and counts those that started outside the premises.
 */
export function runResidencyWorlds(seed: number, sovereignJobs: number): ResidencyTally {
  const draw = mulberry32(seed);
  const tally: ResidencyTally = { worlds: 0, sovereignJobs: 0, finished: 0, leftPremises: 0, preemptions: 0 };
  while (tally.sovereignJobs < sovereignJobs) {
    const owned = 1 + Math.floor(4 * draw());
    const share = 0.2 + 0.75 * draw();
    const meanGap = 20 / owned / (0.4 + draw());
    const trace = markSovereign(
      collectTrace('drawn', add => {
        let t = 0;
        for (let i = 0; i < 500; i++) {
          t += draw() < 0.02 ? exponential(draw, 600) : exponential(draw, draw() < 0.3 ? 0.5 : meanGap);
          add(t, 3 + exponential(draw, 17));
        }
      }),
      draw,
      share,
    );
    const cloud = pick(draw, [[cloudPool], [spotPool], [spotPool, cloudPool]]);
    const policy = drawPolicy(draw);
    // The rules scale the pool at index 1; Spot lives minutes here, so that much is taken away.
    const spot = { lifeSeconds: 400, upSeconds: 1_200, downSeconds: 300 };
    const outcome = simulate({
      trace,
      pools: [ownedPool(owned), ...cloud],
      policy,
      seed: Math.floor(draw() * 2 ** 31),
      spot,
    });
    tally.worlds++;
    tally.sovereignJobs += trace.sovereign!.reduce((sum, flag) => sum + flag, 0);
    tally.finished += outcome.cut ? 0 : trace.arrivals.length;
    tally.leftPremises += outcome.leftPremises;
    tally.preemptions += outcome.preemptions;
  }
  return tally;
}

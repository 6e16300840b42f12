import { allowsSite } from '#core/placement/route.ts';
import { type Place, servedClasses } from '#core/policy/residency.ts';
import { cloudLimits } from './cloud-limits.ts';
import { gpuInstances, gpuRegions } from './gpu-instances.ts';
import type { FleetSettings, Settings } from './settings-types.ts';

/** An image that can only be one: repository and digest. */
export const IMAGE_BY_DIGEST = '^[^\\s@]+@sha256:[0-9a-f]{64}$';

/** The places of all pools of a stage; a pool that may have no server is none. */
export function placesOf({ region, fleet, onPrem }: Settings): readonly Place[] {
  const cloud = fleet === null ? [] : cloudPools(fleet).map(pool => ({ pool, site: 'cloud' as const, region }));
  return [...onPrem.map(one => ({ pool: one.pool, site: 'onprem' as const, region: one.region })), ...cloud];
}

/** The names of the fleet's pools that may have a server. */
export function cloudPools(fleet: FleetSettings): readonly string[] {
  return [...(fleet.maxSpotTasks > 0 ? ['cloud-spot'] : []), ...(fleet.maxOnDemandTasks > 0 ? ['cloud-ondemand'] : [])];
}

/** What the settings cannot mean together, and what they leave doubtful: a sentence each. */
export function checkSettings(settings: Settings): {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
} {
  const problems = [
    ...checkRegion(settings),
    ...checkClasses(settings),
    ...checkFleet(settings),
    ...checkZones(settings),
    ...checkPools(settings),
    ...checkEdge(settings),
  ];
  return { problems, warnings: warningsOf(settings) };
}

function checkRegion({ region }: Settings): string[] {
  if (gpuRegions.includes(region)) return [];
  return [`region: got "${region}"; a region with GPU instances is allowed: ${gpuRegions.join(', ')}.`];
}

function checkFleet({ fleet }: Settings): string[] {
  if (fleet === null) return [];
  const problems: string[] = [];
  if (fleet.workerImage !== 'parameter' && !new RegExp(IMAGE_BY_DIGEST).test(fleet.workerImage))
    problems.push(
      `fleet.workerImage: got "${fleet.workerImage}"; an image by its digest (repository@sha256:...) is allowed, or "parameter".`,
    );
  for (const type of fleet.instanceTypes) problems.push(...checkType(type, fleet));
  const most = fleet.maxSpotTasks + fleet.maxOnDemandTasks;
  if (fleet.minTasks > fleet.maxOnDemandTasks)
    problems.push(
      `fleet.minTasks: got ${fleet.minTasks}; at most fleet.maxOnDemandTasks (${fleet.maxOnDemandTasks}) is allowed: they always run on demand.`,
    );
  const { low, mid, high } = fleet.coldStartSeconds;
  if (low > mid || mid > high)
    problems.push(`fleet.coldStartSeconds: got low ${low}, mid ${mid}, high ${high}; they must not fall.`);
  if (most === 0 && fleet.minTasks === 0)
    problems.push(
      'fleet.maxSpotTasks and fleet.maxOnDemandTasks: both are 0; a fleet that may have no task is written "fleet": null.',
    );
  return problems;
}

function checkZones({ region, fleet }: Settings): string[] {
  const zones = fleet?.zones ?? null;
  if (zones === null) return [];
  // A name of another region, or of a zone outside of it, is found out by AWS in the middle of a deployment.
  const areOurs = zones.every(zone => /^[a-z]$/.test(zone.slice(region.length)) && zone.startsWith(region));
  if (areOurs && new Set(zones).size === zones.length && zones.length >= 2 && zones.length <= cloudLimits.maxZones)
    return [];
  return [
    `fleet.zones: got ${zones.join(', ')}; from 2 to ${cloudLimits.maxZones} different zones of ${region}, such as ${region}a, are allowed.`,
  ];
}

function checkType(type: string, { taskVcpu, taskMemoryGiB }: FleetSettings): string[] {
  const instance = Object.hasOwn(gpuInstances, type) ? gpuInstances[type] : undefined;
  if (instance === undefined)
    return [
      `fleet.instanceTypes: got "${type}", whose GPU and price are not known; ${Object.keys(gpuInstances).join(', ')} are allowed.`,
    ];
  // What the agent and the system take of an instance: a GiB and a half.
  const memory = instance.memoryGiB / instance.gpus - 1.5;
  if (taskMemoryGiB > memory)
    return [`fleet.taskMemoryGiB: got ${taskMemoryGiB}; ${type} has ${Math.floor(memory)} GiB for each of its GPUs.`];
  const vcpu = instance.vcpu / instance.gpus;
  return taskVcpu > vcpu ? [`fleet.taskVcpu: got ${taskVcpu}; ${type} has ${vcpu} for each of its GPUs.`] : [];
}

function checkClasses({ residency }: Settings): string[] {
  const names = Object.keys(residency);
  if (names.length <= cloudLimits.maxClasses) return [];
  return [
    `residency: got ${names.length} classes (${names.join(', ')}); at most ${cloudLimits.maxClasses} are allowed.`,
  ];
}

function checkPools(settings: Settings): string[] {
  const places = placesOf(settings);
  if (places.length === 0)
    return ['fleet and onPrem: there is no GPU anywhere; at least one pool must be able to work.'];
  const served = new Set(places.flatMap(place => servedClasses(settings.residency, place)));
  const { standard } = settings.residency;
  const outside = places.filter(
    ({ site, region }) => standard === undefined || !allowsSite(standard, { site, region }),
  );
  const idle = Object.keys(settings.residency).filter(name => !served.has(name));
  const where = places.map(({ pool, site, region }) => `${pool} (${site}, ${region})`).join(', ');
  return [
    ...idle.map(name => `residency.${name}: no pool may serve it; the pools are ${where}.`),
    ...outside.map(
      ({ pool, site, region }) =>
        `residency.standard: it must allow every pool, for its enclave holds what all workers share; ${pool} (${site}, ${region}) is not allowed.`,
    ),
  ];
}

function checkEdge({ onPrem, certificateAuthorityPem }: Settings): string[] {
  const taken = onPrem.filter(({ pool }) => pool.startsWith('cloud') || ['local', 'front-door'].includes(pool));
  const problems = taken.map(({ pool }) => `onPrem: the pool "${pool}" has a name that is Reelay's own.`);
  if (certificateAuthorityPem === null && onPrem.some(({ access }) => access === 'roles-anywhere'))
    problems.push('certificateAuthorityPem: a pool with access roles-anywhere needs it, and it is not set.');
  return problems;
}

function warningsOf({ fleet, waitTargetSeconds, alarmEmail, monthlyBudgetUsd }: Settings): string[] {
  if (fleet === null) return [];
  const { mean } = fleet.coldStartSeconds;
  const short = Object.entries(waitTargetSeconds).filter(([, seconds]) => seconds < mean);
  const warnings = short.map(
    ([tier, seconds]) =>
      `waitTargetSeconds.${tier}: ${seconds} s is less than a cold start (${mean} s): a job that finds nothing running waits longer.`,
  );
  if (monthlyBudgetUsd === null)
    warnings.push('monthlyBudgetUsd: no budget is set, and nobody is told of a large bill.');
  if (alarmEmail === null)
    warnings.push('alarmEmail: nobody is told of alarms until someone subscribes to their topic.');
  return warnings;
}
